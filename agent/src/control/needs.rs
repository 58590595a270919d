//! Action-needed items.

use super::apply::stored;
use super::{Answer, Control, key, not_found};
use crate::executor;
use crate::store::{Durability, Key, needs};
use deputy_protocol::control::Response;
use deputy_protocol::{ErrorBody, NeedKind};

impl Control {
    pub(super) async fn needs(&self, all: bool) -> Answer<Response> {
        stored(
            self.executor
                .parts
                .store
                .read(move |db| needs::list(db, all))
                .await,
        )
        .map(Response::Needs)
    }

    pub(super) async fn need_show(&self, id: &str) -> Answer<Response> {
        let item = key(Key::Need, id)?;
        stored(
            self.executor
                .parts
                .store
                .read(move |db| needs::get(db, item))
                .await,
        )?
        .map(|need| Response::Need(Box::new(need)))
        .ok_or_else(|| not_found("need", id))
    }

    pub(super) async fn need_answer(
        &self,
        id: &str,
        choice: String,
        note: Option<String>,
        by: &str,
    ) -> Answer<Response> {
        let item = key(Key::Need, id)?;
        let row = stored(
            self.executor
                .parts
                .store
                .read(move |db| needs::row(db, item))
                .await,
        )?
        .ok_or_else(|| not_found("need", id))?;
        if !row.choices.iter().any(|c| c.id == choice) {
            let choices: Vec<&str> = row.choices.iter().map(|c| c.id.as_str()).collect();
            return Err(ErrorBody::new(
                "no_such_choice",
                format!("“{choice}” is not a choice of {id}; nothing was changed"),
                format!("choices: {}", choices.join(", ")),
            ));
        }
        if row.kind == NeedKind::Question {
            return self.need_answer_question(id, choice, note, by).await;
        }
        if row.kind == NeedKind::Auth
            && let Some(connection) = row.dedupe.strip_prefix("auth:")
        {
            // The token that was refused may look good for a while still.
            let doubted = self.oauth.distrust(connection).await;
            if let Err(error) = doubted {
                tracing::warn!(%error, connection, "a refused token is tried again");
            }
        }
        let (now, by) = (self.now(), by.to_owned());
        let resumed = stored(
            self.executor
                .parts
                .store
                .write(Durability::Synced, move |db| {
                    executor::answer(db, &row, &choice, note.as_deref(), &by, now)
                })
                .await,
        )?;
        let Some(resumed) = resumed else {
            return Err(ErrorBody::new(
                "not_open",
                format!("{id} was answered already; nothing was changed"),
                "",
            ));
        };
        for automation in resumed.automations {
            self.executor.parts.arrivals.announce(automation);
        }
        self.executor.parts.arrivals.times_changed();
        self.need_show(id).await
    }
}
