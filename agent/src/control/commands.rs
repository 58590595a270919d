//! What makes a command count once, however often and however close together it is sent.
//!
//! Three things hold together: one that is at work is not begun again; that one was applied is
//! written with what it does ([`commands`]); and one that was begun is finished though whoever sent
//! it has gone.

use super::Control;
use crate::fault;
use crate::store::commands::{self, Applied, Command};
use crate::store::{Durability, StoreError};
use deputy_protocol::ErrorBody;
use deputy_protocol::control::{Reply, Request};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

type Answer = watch::Receiver<Option<Reply>>;

/// The commands at work, by their ids, with the answer that each will have.
#[derive(Default)]
pub(super) struct AtWork(Mutex<HashMap<Arc<str>, Answer>>);

impl AtWork {
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Answer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a command off the list, also when applying it panics.
struct Leaving {
    at_work: Arc<AtWork>,
    id: Arc<str>,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.at_work.lock().remove(&self.id);
    }
}

impl Control {
    /// Applies a command, or gives the answer that it had or will have.
    pub(super) async fn once(&self, id: &str, request: Request, by: &str) -> Reply {
        let mut answer = {
            let mut at_work = self.at_work.lock();
            match at_work.get(id) {
                Some(answer) => answer.clone(),
                None => {
                    let (tell, answer) = watch::channel(None);
                    let id: Arc<str> = id.into();
                    at_work.insert(Arc::clone(&id), answer.clone());
                    let leaving = Leaving {
                        at_work: Arc::clone(&self.at_work),
                        id: Arc::clone(&id),
                    };
                    let (control, by) = (self.clone(), by.to_owned());
                    // By itself: a client that leaves in the middle must not leave half a command.
                    tokio::spawn(async move {
                        let reply = control.apply_once(id, request, &by).await;
                        // Off the list only when the store knows it, and before anybody is told.
                        drop(leaving);
                        tell.send_replace(Some(reply));
                    });
                    answer
                }
            }
        };
        let told = answer.wait_for(Option::is_some).await;
        told.ok()
            .and_then(|reply| reply.clone())
            .unwrap_or_else(|| {
                Reply::Error(ErrorBody::new(
                    "internal",
                    "the agent failed over this; what it had written of it stands",
                    "look at what is there before you ask again; `deputy doctor` says more",
                ))
            })
    }

    async fn apply_once(&self, id: Arc<str>, request: Request, by: &str) -> Reply {
        let command = Command { id, at: self.now() };
        match self.applied_before(&command).await {
            Ok(Some(reply)) => return reply,
            Ok(None) => {}
            // Not known is not “no”.
            Err(error) => return Reply::Error(super::store_error(error)),
        }
        let dispatched = commands::applying(command.clone(), self.dispatch(request, by));
        let reply = match dispatched.await {
            Ok(response) => Reply::Ok(Box::new(response)),
            Err(error) => Reply::Error(error),
        };
        fault::point("command.applied");
        self.remember(command, &reply).await;
        reply
    }

    async fn applied_before(&self, command: &Command) -> Result<Option<Reply>, StoreError> {
        let id = Arc::clone(&command.id);
        let store = &self.executor.parts.store;
        let applied = store.glance(|db| commands::applied(db, &id)).await?;
        Ok(match applied {
            Applied::Not => None,
            Applied::Answered(reply) => {
                Some(serde_json::from_str(&reply).map_err(|e| StoreError::corrupt("answer", e))?)
            }
            Applied::Unanswered => Some(Reply::Error(ErrorBody::new(
                "answer_lost",
                "this was applied, but the agent ended before it could answer; it was not done again",
                "look at what is there, and ask for what is missing",
            ))),
        })
    }

    async fn remember(&self, command: Command, reply: &Reply) {
        let text = match serde_json::to_string(reply) {
            Ok(text) => text,
            Err(error) => {
                tracing::warn!(%error, "a command's answer cannot be kept");
                return;
            }
        };
        let store = &self.executor.parts.store;
        let job = move |db: &rusqlite::Connection| commands::answered(db, &command, &text);
        if let Err(error) = store.write(Durability::Ordered, job).await {
            tracing::warn!(%error, "a command's answer could not be kept");
        }
    }
}
