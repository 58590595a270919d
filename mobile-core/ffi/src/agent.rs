//! What an app holds of its agent.

use crate::answer::{Answer, View, content};
use crate::commands::{Act, Command};
use crate::error::AgentError;
use crate::keeper::{Foreign, Keeper};
use crate::line::LineState;
use crate::listener::{Listener, Notice, Queue};
use crate::pairing::bytes;
use crate::plain::Time;
use crate::questions::Question;
use crate::runtime::runtime;
use deputy_mobile_core::PairedDevice;
use deputy_mobile_core::client::{self, Trouble};
use deputy_mobile_core::native::{self, AgentHandle, Files};
use deputy_protocol::remote::Ask;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio_util::sync::CancellationToken;

/// How long a question waits for its answer unless the app says otherwise, ms.
const PATIENCE: u64 = 30_000;

/// An agent, held from afar: questions with their answers, commands that are applied once, and views
/// that are kept fresh. When nobody holds it any more, the line is let go; commands that were not
/// answered are kept and go on the next time.
///
/// Cancelling a question takes it back: in Kotlin and Python by cancelling its coroutine or task. A
/// Swift task that is cancelled waits on, at most for the question's patience.
#[derive(uniffi::Object)]
pub struct Agent {
    handle: Mutex<Option<AgentHandle>>,
    queue: Arc<Queue>,
    gone: CancellationToken,
    clock: Clock,
}

#[uniffi::export]
impl Agent {
    /// Begins to look for the agent. `device` is what `Paired` or
    /// `Notice.DeviceChanged` brought; `directory` is where this device keeps commands and views,
    /// sealed, and is made when it is not there: one for each agent, and not in a backup.
    ///
    /// # Errors
    /// `BadDevice`, `Platform`.
    #[uniffi::constructor]
    pub fn open(
        device: Vec<u8>,
        directory: String,
        listener: Arc<dyn Listener>,
    ) -> Result<Arc<Self>, AgentError> {
        let files = Files::in_directory(directory)?;
        Self::begin(&device, Box::new(files), listener)
    }

    /// The same, where commands and views are kept by the app.
    ///
    /// # Errors
    /// `BadDevice`, `Platform`.
    #[uniffi::constructor]
    pub fn open_with_keeper(
        device: Vec<u8>,
        keeper: Arc<dyn Keeper>,
        listener: Arc<dyn Listener>,
    ) -> Result<Arc<Self>, AgentError> {
        Self::begin(&device, Box::new(Foreign(keeper)), listener)
    }

    /// Asks once and waits for the answer, at most `patience_ms`, whatever the line does meanwhile.
    /// For the most part the questions by name are more convenient, e.g. `Agent.runs`.
    pub async fn ask(&self, question: Question, patience_ms: u64) -> Result<Answer, AgentError> {
        Answer::read(self.raw(question.into(), patience_ms).await?)
    }

    /// Keeps the answer to a question at hand and fresh until `Agent.unwatch`: told as
    /// `Notice.ViewChanged` whenever it changes. Watched twice, it is to be unwatched twice.
    pub async fn watch(&self, question: Question) -> Result<(), AgentError> {
        let handle = self.handle()?;
        Ok(handle.watch(question.into()).await?)
    }

    /// Stops asking. The last answer is still kept for the next time.
    pub async fn unwatch(&self, question: Question) -> Result<(), AgentError> {
        self.handle()?.unwatch(question.into()).await;
        Ok(())
    }

    /// The answer at hand to a question that is or was watched, also without a line; nothing when
    /// there never was one.
    pub async fn view(&self, question: Question) -> Result<Option<View>, AgentError> {
        let view = self.handle()?.view(question.into()).await;
        view.map(View::read).transpose()
    }

    /// Has something done, once, as soon as the agent can be reached, however often the line breaks
    /// or the app is closed meanwhile. Its id; its fate is told as `Notice.CommandChanged`.
    /// When this returns, it is kept: cancelling does not take it back, `Agent.withdraw` may.
    pub async fn command(&self, act: Act) -> Result<String, AgentError> {
        let handle = self.handle()?;
        Ok(handle.command(act.into()).await?)
    }

    /// All commands that are not forgotten, oldest first.
    pub async fn commands(&self) -> Result<Vec<Command>, AgentError> {
        let all = self.handle()?.commands().await;
        Ok(all.into_iter().filter_map(Command::read).collect())
    }

    /// Takes a command back that was never sent. False when it may have reached the agent.
    pub async fn withdraw(&self, id: String) -> Result<bool, AgentError> {
        Ok(self.handle()?.withdraw(id).await)
    }

    /// Forgets a command whose fate the person has seen. False while it has none.
    pub async fn forget(&self, id: String) -> Result<bool, AgentError> {
        Ok(self.handle()?.forget(id).await)
    }

    /// The app goes to the background: the line is let go, nothing is asked until `Agent.resume`.
    pub async fn suspend(&self) -> Result<(), AgentError> {
        self.handle()?.suspend().await;
        Ok(())
    }

    /// The app is seen again, or a push has come: looks for the agent at once.
    pub async fn resume(&self) -> Result<(), AgentError> {
        self.handle()?.resume().await;
        Ok(())
    }

    /// The network is another: a line over the old one is not waited for.
    pub async fn network_changed(&self) -> Result<(), AgentError> {
        self.handle()?.network_changed().await;
        Ok(())
    }

    /// How it stands with the agent now.
    pub fn line(&self) -> Result<LineState, AgentError> {
        let state = self.handle()?.line().borrow().clone();
        Ok(LineState::new(state, |tick| self.clock.at(tick)))
    }

    /// The device as it is now, see `Notice.DeviceChanged`.
    pub async fn device(&self) -> Result<Vec<u8>, AgentError> {
        let device = self.handle()?.device().await;
        Ok(bytes(&device.ok_or_else(AgentError::let_go)?)?)
    }

    /// Lets the agent go: says goodbye, ends what waits for an answer with `LetGo`, and tells the
    /// listener nothing more. What was kept stays for the next time.
    pub async fn let_go(&self) {
        let handle = self.take();
        self.queue.close();
        self.gone.cancel();
        if let Some(handle) = handle {
            handle.suspend().await;
        }
    }
}

impl Agent {
    fn begin(
        device: &[u8],
        keeper: Box<dyn native::Keeper>,
        listener: Arc<dyn Listener>,
    ) -> Result<Arc<Self>, AgentError> {
        let device: PairedDevice =
            serde_json::from_slice(device).map_err(|_| AgentError::bad_device())?;
        let runtime = runtime()?;
        let queue = Queue::new(listener, runtime.handle().clone());
        let clock = Clock(Instant::now());
        let told = Arc::clone(&queue);
        let entered = runtime.enter();
        let handle = AgentHandle::open(
            device,
            Some(keeper),
            Box::new(move |notice| {
                if let Some(notice) = Notice::read(notice, clock) {
                    told.push(notice);
                }
            }),
        );
        drop(entered);
        Ok(Arc::new(Self {
            handle: Mutex::new(Some(handle)),
            queue,
            gone: CancellationToken::new(),
            clock,
        }))
    }

    fn handle(&self) -> Result<AgentHandle, AgentError> {
        let handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner);
        handle.clone().ok_or_else(AgentError::let_go)
    }

    fn take(&self) -> Option<AgentHandle> {
        self.handle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// The answer as the agent gave it.
    async fn raw(&self, ask: Ask, patience_ms: u64) -> Result<Value, AgentError> {
        let handle = self.handle()?;
        let mut line = handle.line();
        let is_hopeless = |state: &client::LineState| match state {
            client::LineState::NotKnown | client::LineState::OtherVersion => true,
            client::LineState::Resting
            | client::LineState::Connecting
            | client::LineState::Open
            | client::LineState::Away { .. } => false,
        };
        tokio::select! {
            biased;
            answer = handle.ask_raw(ask, patience_ms) => answer.map_err(|error| {
                AgentError::of_ask(error, &handle.line().borrow())
            }),
            () = self.gone.cancelled() => Err(AgentError::let_go()),
            // The agent will not come back by itself, so nobody needs to be patient.
            state = line.wait_for(is_hopeless) => Err(match state {
                Ok(state) => AgentError::of_line(&state),
                Err(_) => AgentError::let_go(),
            }),
        }
    }

    /// The answer to what is no question that could be watched.
    pub(crate) async fn asked(&self, ask: Ask) -> Result<Value, AgentError> {
        self.raw(ask, PATIENCE).await
    }

    /// The answer to a question whose answer is of one kind.
    pub(crate) async fn typed<T: DeserializeOwned>(
        &self,
        question: Question,
        kind: &str,
    ) -> Result<T, AgentError> {
        content(self.raw(question.into(), PATIENCE).await?, kind)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Notice {
    fn read(notice: client::Notice, clock: Clock) -> Option<Self> {
        Some(match notice {
            client::Notice::Line(state) => Self::LineChanged {
                line: LineState::new(state, |tick| clock.at(tick)),
            },
            client::Notice::Event(event) => Self::Happened {
                event: event.into(),
            },
            client::Notice::View(ask) => Self::ViewChanged {
                question: Question::read(ask)?,
            },
            client::Notice::Command(command) => Self::CommandChanged {
                command: Command::read(command)?,
            },
            client::Notice::Forgotten(id) => Self::CommandForgotten { id },
            client::Notice::NotKept(text) => Self::NotKept { text },
            client::Notice::Device(device) => Self::DeviceChanged {
                device: bytes(&device).ok()?,
            },
            // Somebody asked and went.
            client::Notice::Answer(
                _,
                Ok(_) | Err(Trouble::Refused(_) | Trouble::Unreachable | Trouble::Unreadable(_)),
            ) => return None,
        })
    }
}

/// The client's clock.
#[derive(Clone, Copy)]
struct Clock(Instant);

impl Clock {
    /// When a tick is, by the clock on the wall.
    fn at(self, tick: u64) -> Time {
        let until = Duration::from_millis(tick).saturating_sub(self.0.elapsed());
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let at = now.unwrap_or_default().saturating_add(until);
        Time::from_ms(i64::try_from(at.as_millis()).unwrap_or(i64::MAX))
    }
}
