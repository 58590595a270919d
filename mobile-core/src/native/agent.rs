//! What an app holds of its agent.

use super::driver::{Call, Clock, Driver};
use super::files::Keeper;
use crate::PairedDevice;
use crate::client::{Client, Command, CommandError, Kept, LineState, Notice, Trouble, View};
use deputy_protocol::control::Response;
use deputy_protocol::remote::Ask;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot, watch};

/// Is told what happens, on the client's own task: to be quick about it.
pub type Listener = Box<dyn Fn(Notice) + Send + Sync>;

type Answers = Mutex<HashMap<u64, oneshot::Sender<Result<Value, Trouble>>>>;

/// An agent, held from afar. Clones are the same one; when the last is dropped, the line is let go.
/// Commands that were not answered are kept and go on with the next [`AgentHandle::open`].
#[derive(Clone)]
pub struct AgentHandle {
    calls: mpsc::UnboundedSender<Call<Client>>,
    answers: Arc<Answers>,
    line: watch::Receiver<LineState>,
}

impl AgentHandle {
    /// Begins to look for the agent of a paired device, on the present tokio runtime. What is kept
    /// and of no use is told as [`Notice::NotKept`].
    pub fn open(device: PairedDevice, keeper: Option<Box<dyn Keeper>>, listener: Listener) -> Self {
        let clock = Clock::start();
        let mut kept = Vec::new();
        for what in Kept::ALL {
            match keeper.as_ref().map(|keeper| keeper.kept(what)) {
                Some(Ok(Some(sealed))) => kept.push((what, sealed)),
                Some(Ok(None)) | None => {}
                Some(Err(error)) => listener(Notice::NotKept(error.to_string())),
            }
        }
        let (mut client, error) = Client::open(device, &kept, clock.now());
        if let Some(error) = error {
            listener(Notice::NotKept(error.to_string()));
        }
        let (calls, to_do) = mpsc::unbounded_channel::<Call<Client>>();
        let (tell_line, line) = watch::channel(client.state());
        let answers: Arc<Answers> = Arc::default();
        let told = Arc::clone(&answers);
        tokio::spawn(async move {
            let listener = move |notice: Notice| {
                match &notice {
                    Notice::Answer(token, answer) => {
                        let waiting = lock(&told).remove(token);
                        if let Some(waiting) = waiting {
                            // Who asked may have gone.
                            let _ = waiting.send(answer.clone());
                            return;
                        }
                    }
                    Notice::Line(state) => drop(tell_line.send_replace(state.clone())),
                    _ => {}
                }
                listener(notice);
            };
            let driver = Driver {
                clock,
                keeper: keeper.as_deref(),
                listener: &listener,
            };
            let never = |_: &Client| None::<()>;
            driver.run(&mut client, to_do, never).await;
        });
        Self {
            calls,
            answers,
            line,
        }
    }

    async fn call<T: Send + 'static>(
        &self,
        what: impl FnOnce(&mut Client, crate::client::Now) -> T + Send + 'static,
    ) -> Option<T> {
        let (tell, told) = oneshot::channel();
        let call: Call<Client> = Box::new(move |client, now| {
            let done = what(client, now);
            Box::new(move || drop(tell.send(done)))
        });
        self.calls.send(call).ok()?;
        told.await.ok()
    }

    /// See [`Client::command`]. The command is kept when this returns.
    pub async fn command(&self, ask: Ask) -> Result<String, CommandError> {
        let taken = self.call(move |client, now| client.command(ask, now)).await;
        taken.unwrap_or(Err(CommandError::NoRandomness))
    }

    /// Asks one question, and waits for its answer, at most `patience_ms`. Dropping the future takes
    /// the question back.
    pub async fn ask(&self, ask: Ask, patience_ms: u64) -> Result<Response, AskError> {
        let answer = self.ask_raw(ask, patience_ms).await?;
        let read = serde_json::from_value(answer);
        Ok(read.map_err(|e| Trouble::Unreadable(e.to_string()))?)
    }

    /// The same, for whoever reads the answer with more tolerance for what a newer agent says: a
    /// [`Response`] as JSON.
    pub async fn ask_raw(&self, ask: Ask, patience_ms: u64) -> Result<Value, AskError> {
        let (tell, told) = oneshot::channel();
        let answers = Arc::clone(&self.answers);
        let mut waiting = Waiting::new(self);
        let token = Arc::clone(&waiting.token);
        let asked = self
            .call(move |client, now| {
                let asked = client.ask(ask, patience_ms, now)?;
                // Before the client's task does anything else, so before any answer.
                lock(&answers).insert(asked, tell);
                *lock(&token) = Some(asked);
                Ok::<_, CommandError>(())
            })
            .await;
        match asked {
            Some(Ok(())) => {
                let answer = told.await.unwrap_or(Err(Trouble::Unreachable));
                waiting.is_over = true;
                Ok(answer?)
            }
            Some(Err(error)) => Err(error.into()),
            None => Err(Trouble::Unreachable.into()),
        }
    }

    /// See [`Client::watch`].
    pub async fn watch(&self, ask: Ask) -> Result<(), CommandError> {
        let watched = self.call(move |client, now| client.watch(ask, now)).await;
        watched.unwrap_or(Ok(()))
    }

    /// See [`Client::unwatch`].
    pub async fn unwatch(&self, ask: Ask) {
        self.call(move |client, _| client.unwatch(&ask)).await;
    }

    /// See [`Client::view`].
    pub async fn view(&self, ask: Ask) -> Option<View> {
        let view = self.call(move |client, _| client.view(&ask).cloned());
        view.await.flatten()
    }

    /// See [`Client::commands`].
    pub async fn commands(&self) -> Vec<Command> {
        let all = self.call(|client, _| client.commands()).await;
        all.unwrap_or_default()
    }

    /// See [`Client::withdraw`].
    pub async fn withdraw(&self, id: String) -> bool {
        let done = self.call(move |client, _| client.withdraw(&id)).await;
        done.unwrap_or(false)
    }

    /// See [`Client::forget`].
    pub async fn forget(&self, id: String) -> bool {
        let done = self.call(move |client, _| client.forget(&id)).await;
        done.unwrap_or(false)
    }

    /// See [`Client::suspend`].
    pub async fn suspend(&self) {
        self.call(|client, _| client.suspend()).await;
    }

    /// See [`Client::resume`].
    pub async fn resume(&self) {
        self.call(|client, now| client.resume(now)).await;
    }

    /// See [`Client::network_changed`].
    pub async fn network_changed(&self) {
        self.call(|client, now| client.network_changed(now)).await;
    }

    /// The device as it is now, see [`Notice::Device`]; `None` when the client's task has ended.
    pub async fn device(&self) -> Option<PairedDevice> {
        self.call(|client, _| client.device().clone()).await
    }

    /// How it stands with the agent, now and from now on.
    pub fn line(&self) -> watch::Receiver<LineState> {
        self.line.clone()
    }
}

/// Somebody who waits for an answer. Who goes before it is there takes the question back: what is
/// called after the question was put is done after it.
struct Waiting<'a> {
    handle: &'a AgentHandle,
    token: Arc<Mutex<Option<u64>>>,
    is_over: bool,
}

impl<'a> Waiting<'a> {
    fn new(handle: &'a AgentHandle) -> Self {
        Self {
            handle,
            token: Arc::default(),
            is_over: false,
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let token = Arc::clone(&self.token);
        let answers = Arc::clone(&self.handle.answers);
        let call: Call<Client> = Box::new(move |client, _| {
            if let Some(token) = *lock(&token) {
                lock(&answers).remove(&token);
                client.drop_question(token);
            }
            Box::new(|| {})
        });
        // Without a client's task there is no question either.
        let _ = self.handle.calls.send(call);
    }
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AskError {
    /// It was not asked.
    #[error(transparent)]
    NotAsked(#[from] CommandError),
    /// It was, or would have been.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
