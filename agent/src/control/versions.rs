//! Script versions: a repair is undone by a word, without a model.

use super::apply::{done, stored};
use super::{Answer, Control, key};
use crate::maintainer;
use crate::planner::{self, Command};
use crate::store::chats::{self, Author};
use crate::store::{Durability, Key};
use deputy_protocol::control::Response;
use serde_json::json;

impl Control {
    /// Takes “undo the repair” and its like, when the present script is a repaired one. `None` when
    /// the words say something else, or there is no repair to undo.
    pub(super) async fn repair_undone(
        &self,
        text: &str,
        automation: Option<&str>,
    ) -> Answer<Option<Response>> {
        let Some(id) =
            automation.filter(|_| planner::command(text) == Some(Command::PreviousVersion))
        else {
            return Ok(None);
        };
        let automation = key(Key::Automation, id)?;
        let (now, said) = (self.now(), json!({"text": text}));
        let undone = stored(
            self.executor
                .parts
                .store
                .write(Durability::Synced, move |db| {
                    let undone = maintainer::undo(db, automation, now)?;
                    if undone.is_some() {
                        chats::append(
                            db,
                            Some(automation),
                            "user_message",
                            Author::User,
                            &said,
                            now,
                        )?;
                    }
                    Ok(undone)
                })
                .await,
        )?;
        Ok(undone.map(|(from, to)| {
            let message = format!(
                "Version {to} of the script is active again; version {from} is kept. Runs under way end with the version that they began with."
            );
            done(id, message)
        }))
    }
}
