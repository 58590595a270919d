//! Status, doctor, settings, permissions, tools, costs, upkeep.

use super::apply::{done, stored};
use super::schedules::schedules;
use super::{Answer, Control};
use crate::executor::DENIED_SETTING;
use crate::gate::Permissions;
use crate::store::{Durability, automations, settings, triggers};
use deputy_protocol::ErrorBody;
use deputy_protocol::control::Response;
use deputy_protocol::model::{CostLine, Finding, Status};
use rusqlite::params;
use serde_json::{Map, Value};

/// Settings that clients may change, with what they mean.
const SETTINGS: &[(&str, &str)] = &[
    (
        "listen",
        "Where local webhooks are taken, e.g. 127.0.0.1:7434, or “off”; from the next start on",
    ),
    (
        crate::remote::PAGE_HOST_SETTING,
        "HOST[:PORT] that serves the page and that you trust with it, e.g. your relay with --page: pairing links open there",
    ),
    (
        crate::push::HOSTS_SETTING,
        "A list of HOST:PORT of push services in private networks, e.g. of a UnifiedPush server at home",
    ),
    (
        crate::models::prices::SETTING,
        "A list of {model, input, output, cached_input, cache_write} in micro-USD per million tokens",
    ),
    (
        crate::planner::BUDGET_SETTING,
        "What planning one automation may use: {turns, tokens, wall_ms, cost_micros}",
    ),
];

pub(super) fn finding(id: &str, level: &str, message: impl Into<String>, hint: &str) -> Finding {
    Finding {
        id: id.to_owned(),
        level: level.to_owned(),
        message: message.into(),
        hint: hint.to_owned(),
    }
}

impl Control {
    pub(super) async fn status(&self) -> Answer<Response> {
        let (started_at, home) = (
            self.started_at,
            self.executor.parts.store.home().display().to_string(),
        );
        let listen = self.listen_url();
        let status = stored(
            self.executor
                .parts
                .store
                .read(move |db| {
                    let count = |sql: &str| -> Result<u64, crate::store::StoreError> {
                        let n: i64 = db.prepare_cached(sql)?.query_row([], |r| r.get(0))?;
                        Ok(u64::try_from(n).unwrap_or(0))
                    };
                    Ok(Status {
                        version: env!("CARGO_PKG_VERSION").to_owned(),
                        pid: std::process::id(),
                        home,
                        started_at,
                        listen,
                        automations: automations::counts(db)?,
                        inputs_pending: count("SELECT count(*) FROM inbox WHERE state='pending'")?,
                        runs_active: count("SELECT (SELECT count(*) FROM runs WHERE state='queued')+(SELECT count(*) FROM runs WHERE state='running')")?,
                        runs_waiting: count("SELECT count(*) FROM runs WHERE state='waiting'")?,
                        needs_open: count("SELECT count(*) FROM needs WHERE state='open'")?,
                        next_due_at: triggers::next_due(db)?,
                        model: crate::models::configured(db)?.is_some(),
                    })
                })
                .await,
        )?;
        Ok(Response::Status(status))
    }

    pub(super) async fn doctor(&self) -> Answer<Response> {
        let (now, listening) = (self.now(), self.listen_url().is_some());
        let mut findings = stored(
            self.executor
                .parts
                .store
                .read(move |db| {
                    let mut findings = Vec::new();
                    let check: String = db.query_row("PRAGMA quick_check(1)", [], |r| r.get(0))?;
                    findings.push(if check == "ok" {
                        finding("database", "ok", "The database is sound.", "")
                    } else {
                        finding(
                            "database",
                            "problem",
                            format!("The database is damaged: {check}"),
                            "restore a backup with `deputy restore FILE`",
                        )
                    });
                    findings.extend(schedules(db, now, listening)?);
                    let waiting: i64 =
                        db.query_row("SELECT count(*) FROM needs WHERE state='open'", [], |r| {
                            r.get(0)
                        })?;
                    if waiting > 0 {
                        findings.push(finding(
                            "needs",
                            "warning",
                            format!("{waiting} item(s) need you."),
                            "deputy needs",
                        ));
                    }
                    Ok(findings)
                })
                .await,
        )?;
        findings.push(match stored(self.models.configured().await)? {
            Some(model) => {
                let (name, url) = (&model.model, &model.base_url);
                finding(
                    "model",
                    "ok",
                    format!("Planning and repair ask {name} at {url}."),
                    "",
                )
            }
            None => finding(
                "model",
                "ok",
                "No model is set up: recipes work, failed scripts wait for you.",
                "deputy model set --provider P --model NAME --key-stdin",
            ),
        });
        findings.push(match self.executor.parts.pool.prewarm().await {
            Ok(()) => finding(
                "sandbox",
                "ok",
                "The sandbox starts and confines itself.",
                "",
            ),
            Err(error) => finding(
                "sandbox",
                "problem",
                format!("The sandbox does not start: {error}"),
                "reinstall Deputy; no script runs without its sandbox",
            ),
        });
        Ok(Response::Findings(findings))
    }

    pub(super) fn tools(&self, types: bool) -> Response {
        if types {
            return Response::Text(crate::tools::declarations(self.executor.parts.registry));
        }
        Response::Tools(self.executor.parts.registry.infos())
    }

    pub(super) async fn config_get(&self, wanted: Option<String>) -> Answer<Response> {
        let all = stored(self.executor.parts.store.read(settings::all).await)?;
        let mut shown = Map::new();
        for (name, _) in known_settings() {
            if wanted.as_deref().is_none_or(|w| w == *name) {
                shown.insert(
                    (*name).to_owned(),
                    all.get(*name).cloned().unwrap_or(Value::Null),
                );
            }
        }
        if shown.is_empty() {
            return Err(unknown_setting(wanted.as_deref().unwrap_or_default()));
        }
        Ok(Response::Config(Value::Object(shown)))
    }

    pub(super) async fn config_set(&self, name: String, value: Value) -> Answer<Response> {
        if !known_settings().any(|(known, _)| *known == name) {
            return Err(unknown_setting(&name));
        }
        if name == "listen"
            && !value.is_null()
            && !value
                .as_str()
                .is_some_and(|text| text == "off" || text.parse::<std::net::SocketAddr>().is_ok())
        {
            return Err(ErrorBody::new(
                "usage",
                format!("{value} is no address to listen at; nothing was changed"),
                "an address and a port, e.g. \"127.0.0.1:7434\", or \"off\"",
            ));
        }
        if crate::maintainer::SETTINGS
            .iter()
            .any(|(known, _)| *known == name)
            && !value.is_null()
            && value.as_u64().is_none()
        {
            return Err(ErrorBody::new(
                "usage",
                format!("{value} is not a number of at least 0; nothing was changed"),
                "a whole number, or null for the default",
            ));
        }
        if name == crate::models::prices::SETTING
            && !value.is_null()
            && let Err(error) = crate::models::prices::parse(&value)
        {
            return Err(ErrorBody::new(
                "usage",
                format!("these are not prices: {error}; nothing was changed"),
                r#"e.g. [{"model": "my-model", "input": 500000, "output": 1500000}]"#,
            ));
        }
        if name == crate::planner::BUDGET_SETTING
            && !value.is_null()
            && let Err(error) = serde_json::from_value::<crate::planner::PlanBudget>(value.clone())
        {
            return Err(ErrorBody::new(
                "usage",
                format!("this is no budget: {error}; nothing was changed"),
                r#"e.g. {"turns": 40, "cost_micros": 500000}"#,
            ));
        }
        let set = name.clone();
        stored(
            self.executor
                .parts
                .store
                .write(Durability::Synced, move |db| {
                    settings::set(db, &set, &value)
                })
                .await,
        )?;
        self.config_get(Some(name)).await
    }

    pub(super) async fn permissions(
        &self,
        deny: Vec<String>,
        allow: Vec<String>,
    ) -> Answer<Response> {
        let known = self.executor.parts.registry.known_operations();
        for pattern in deny.iter().chain(&allow) {
            if !known
                .keys()
                .any(|operation| crate::gate::names(pattern, operation))
            {
                let message =
                    format!("there is no tool operation “{pattern}”; nothing was changed");
                return Err(ErrorBody::new(
                    "unknown_operation",
                    message,
                    "`deputy tools` lists them",
                ));
            }
        }
        let denied = stored(
            self.executor
                .parts
                .store
                .write(Durability::Synced, move |db| {
                    let mut denied: Vec<String> = settings::get(db, DENIED_SETTING)?
                        .and_then(|v| serde_json::from_value(v).ok())
                        .unwrap_or_default();
                    denied.retain(|pattern| !allow.contains(pattern));
                    for pattern in deny {
                        if !denied.contains(&pattern) {
                            denied.push(pattern);
                        }
                    }
                    settings::set(db, DENIED_SETTING, &serde_json::json!(denied))?;
                    Ok(denied)
                })
                .await,
        )?;
        self.executor.parts.programs.set_permissions(Permissions {
            denied_operations: denied.clone(),
        });
        Ok(Response::Config(serde_json::json!({"denied": denied})))
    }

    pub(super) async fn costs(&self, by: &str, since_ms: Option<i64>) -> Answer<Response> {
        let column = match by {
            "automation" => "'a'||automation",
            "run" => "'r'||run",
            "tool" => "tool",
            "connection" => "connection",
            "model" => "model",
            other => {
                let message = format!("costs cannot be shown by “{other}”");
                return Err(ErrorBody::new(
                    "usage",
                    message,
                    "by automation, run, tool, connection or model",
                ));
            }
        };
        let since = since_ms.map_or(0, |ms| self.now().0 - ms);
        let sql = format!(
            "SELECT coalesce({column},'-'), count(*), sum(cost_micros) FROM costs WHERE at>=?1 GROUP BY 1 ORDER BY 3 DESC"
        );
        let lines = stored(
            self.executor
                .parts
                .store
                .read(move |db| {
                    let mut query = db.prepare(&sql)?;
                    let lines = query
                        .query_map([since], |r| {
                            Ok(CostLine {
                                id: r.get(0)?,
                                calls: u64::try_from(r.get::<_, i64>(1)?).unwrap_or(0),
                                cost_micros: r.get(2)?,
                            })
                        })?
                        .collect::<Result<_, _>>()?;
                    Ok(lines)
                })
                .await,
        )?;
        Ok(Response::Costs(lines))
    }

    pub(super) async fn backup(&self, file: String) -> Answer<Response> {
        let path = std::path::PathBuf::from(&file);
        if !path.is_absolute() || path.exists() {
            return Err(ErrorBody::new(
                "usage",
                format!(
                    "{file} is not an absolute path of a file that does not exist yet; nothing was written"
                ),
                "name another file",
            ));
        }
        stored(
            self.executor
                .parts
                .store
                .read(move |db| crate::store::back_up(db, &path))
                .await,
        )?;
        let message = format!(
            "The database was copied to {file}. Secrets in it open only with this machine's key."
        );
        Ok(done("backup", message))
    }

    pub(super) async fn prune(&self, older_than_days: u32) -> Answer<Response> {
        let before = self.now().0 - i64::from(older_than_days) * 86_400_000;
        let dropped = stored(
            self.executor
                .parts
                .store
                .write(Durability::Synced, move |db| {
                    // The ledger and the inbox's keys stay: they are what keeps effects single.
                    let old = "SELECT id FROM runs WHERE ended_at<?1 AND state IN ('succeeded','failed','cancelled')";
                    let steps = db.execute(&format!("DELETE FROM steps WHERE id>>20 IN ({old})"), [before])?;
                    db.execute("DELETE FROM events WHERE at<?1 AND kind='log'", params![before])?;
                    Ok(steps)
                })
                .await,
        )?;
        Ok(done(
            "prune",
            format!(
                "{dropped} journal entries of ended runs were dropped; what went out stays on record."
            ),
        ))
    }
}

fn known_settings() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    SETTINGS.iter().chain(crate::maintainer::SETTINGS)
}

fn unknown_setting(name: &str) -> ErrorBody {
    let known: Vec<&str> = known_settings().map(|(name, _)| *name).collect();
    ErrorBody::new(
        "unknown_setting",
        format!("there is no setting “{name}”; nothing was changed"),
        format!("known: {}", known.join(", ")),
    )
}
