//! What a person is told of a mailbox that cannot be followed.

use super::Task;
use super::arrived::active;
use crate::executor::{open_need, pause_automation};
use crate::needs;
use crate::store::needs::{NewNeed, withdraw};
use crate::store::{Durability, StoreError};
use deputy_protocol::NeedKind;
use rusqlite::Connection;
use serde_json::json;

impl Task {
    /// Writes something for each automation that follows this mailbox and is active.
    async fn for_each(
        &self,
        write: impl Fn(&Connection, i64, &str) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        let triggers = self.triggers.clone();
        self.parts
            .store
            .write(Durability::Ordered, move |db| {
                for trigger in &triggers {
                    if let Some(name) = active(db, trigger.automation)? {
                        write(db, trigger.automation, &name)?;
                    }
                }
                Ok(())
            })
            .await
    }

    /// Pauses the automations and asks a person.
    pub(super) async fn ask(&self, kind: NeedKind, why: &str) -> Result<(), StoreError> {
        let why = self.parts.redactor.text(why);
        let (now, connection) = (self.parts.clock.now(), self.place.0.clone());
        self.for_each(move |db, automation, name| {
            pause_automation(db, automation, &why, now)?;
            let (dedupe, title) = match kind {
                // One item a connection, as for runs.
                NeedKind::Auth => (
                    format!("auth:{connection}"),
                    format!("The connection “{connection}” must be authorised again"),
                ),
                _ => (
                    format!("precondition:a{automation}:mail:{connection}"),
                    format!("Something that “{name}” relies on is missing: {why}"),
                ),
            };
            let failure = json!({"connection": connection, "message": why});
            let need = NewNeed {
                kind,
                dedupe,
                title,
                automation: Some(automation),
                run: None,
                seq: None,
                choices: needs::choices(kind),
                detail: json!({"failure": failure, "message": why}),
            };
            open_need(db, &need, now)
        })
        .await
    }

    /// Tells that a mailbox has been away for long. The automations go on: it is looked for all the time.
    pub(super) async fn is_away(&self, why: &str) -> Result<(), StoreError> {
        let why = self.parts.redactor.text(why);
        let (now, connection) = (self.parts.clock.now(), self.place.0.clone());
        self.for_each(move |db, automation, name| {
            let need = NewNeed {
                kind: NeedKind::Stalled,
                dedupe: away(automation, &connection),
                title: format!(
                    "“{name}” waits for mail, and the mailbox of “{connection}” has not been reached for an hour"
                ),
                automation: Some(automation),
                run: None,
                seq: None,
                choices: needs::choices(NeedKind::Stalled),
                detail: json!({"connection": connection, "because": why}),
            };
            open_need(db, &need, now)
        })
        .await
    }

    /// Takes back that it is away.
    pub(super) async fn is_there(&self) -> Result<(), StoreError> {
        let (now, connection) = (self.parts.clock.now(), self.place.0.clone());
        self.for_each(move |db, automation, _| {
            withdraw(db, None, Some(&away(automation, &connection)), now).map(drop)
        })
        .await
    }
}

/// The dedupe key of the item about a mailbox that is away.
fn away(automation: i64, connection: &str) -> String {
    format!("stalled:a{automation}:mail:{connection}")
}
