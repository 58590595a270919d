//! The loop of an attempt: the worker makes calls, the calls are held against the journal and go
//! their ways, and their ends go back one at a time in an order that the journal keeps.

use super::calls::{self, Ask, Landed, Prepared, RunFacts, Way};
use super::ending::Failure;
use super::keys::Occurrences;
use super::local::LocalEnd;
use super::matcher::{Delivery, Matcher};
use super::program::Program;
use super::recall::Earlier;
use super::{Executor, Parts, finish};
use crate::sandbox::{Answer, Died, FromWorker, Session, Start, WorkerEvent};
use crate::store::inbox::Crowd;
use crate::store::runs::RunRow;
use crate::store::steps::{NewStep, StepOutcome, StepRow};
use crate::store::{Lost, StoreError};
use crate::tools::ToolError;
use deputy_protocol::{FailureClass, SourceKind, Time};
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Everything an attempt starts from, as the claim left it.
#[derive(Debug)]
pub struct RunContext {
    /// The run, its attempt already counted.
    pub run: RunRow,
    /// The automation's name.
    pub name: String,
    /// Its zone.
    pub timezone: String,
    /// What it executes.
    pub program: Arc<Program>,
    /// The input's payload, as JSON.
    pub payload: Box<RawValue>,
    /// Where the input came from.
    pub source: SourceKind,
    /// The topic of an emitted input: selects the handler.
    pub topic: Option<String>,
    /// What the input stands in, when a run emitted it.
    pub crowd: Crowd,
    /// `ctx.state` at the run's start.
    pub state: BTreeMap<String, Box<RawValue>>,
    /// The journal of earlier attempts.
    pub journal: Vec<StepRow>,
}

/// Where an attempt left its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptReport {
    /// Succeeded, failed or cancelled.
    Ended,
    /// Waiting, for a time or a person.
    Waiting,
    /// The agent stops; the run resumes at the next start.
    Interrupted,
}

/// How the loop ended.
pub(super) enum End {
    /// The script returned.
    Done {
        result: Box<RawValue>,
        state: BTreeMap<String, Box<RawValue>>,
    },
    /// It failed, or had to be ended.
    Failed(Failure),
    /// Only steps that wait are left.
    Parked,
    /// The user said stop.
    Cancelled,
    /// The agent stops.
    Interrupted,
    /// The store failed.
    Lost(StoreError),
}

/// What the loop leaves for the transaction after it.
pub(super) struct Left {
    pub(super) end: End,
    pub(super) asks: Vec<Ask>,
    pub(super) wake_at: Option<Time>,
    pub(super) busy: Duration,
    pub(super) steps: u32,
}

impl Executor {
    /// Runs one attempt to its end and writes down what became of the run.
    pub async fn attempt(&self, context: RunContext) -> AttemptReport {
        let parts = &self.parts;
        let run = context.run.key;
        let cancel = CancellationToken::new();
        parts
            .cancels
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(run, cancel.clone());
        let facts = Arc::new(RunFacts {
            logical_start: context
                .run
                .logical_start
                .unwrap_or_else(|| parts.clock.now()),
            run: context.run.clone(),
            timezone: context.timezone.clone(),
            program: Arc::clone(&context.program),
        });
        let left = Attempt::new(parts, &facts, &context, cancel)
            .drive(context)
            .await;
        parts
            .cancels
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&run);
        finish::finish(parts, &facts, left).await
    }
}

/// An end of this attempt on its way to the script. Ends are delivered in the order in which they
/// stand in the queue, which is the order of their places in the journal.
pub(super) enum Pending {
    /// It is known; deliver it when it is on disk.
    Known {
        delivery: Delivery,
        committed: Option<Committed>,
    },
    /// An operation on the agent's own database that is being applied.
    Applying {
        call: Box<Prepared>,
        began: Instant,
        logical_at: Time,
        applied: Applied,
    },
}

/// An end of an earlier script, before this one sees it.
pub(super) struct Recalled {
    pub(super) step: NewStep,
    pub(super) outcome: StepOutcome,
    pub(super) logical_at: Time,
}

pub(super) type Committed = oneshot::Receiver<Result<(), StoreError>>;
pub(super) type Applied = oneshot::Receiver<Result<LocalEnd, StoreError>>;

pub(super) struct Attempt {
    pub(super) parts: Arc<Parts>,
    pub(super) facts: Arc<RunFacts>,
    pub(super) cancel: CancellationToken,
    pub(super) matcher: Matcher,
    /// What earlier scripts of this run did.
    pub(super) earlier: Earlier,
    /// Ends that earlier scripts saw and this one has asked for, by their old places.
    pub(super) recalled: BTreeMap<(u32, u32), Recalled>,
    /// The last entry of earlier scripts.
    pub(super) base: u32,
    pub(super) occurrences: Occurrences,
    pub(super) settled: u32,
    pub(super) logical: Time,
    pub(super) lost: Lost,
    pub(super) tasks: JoinSet<Landed>,
    pub(super) pending: VecDeque<Pending>,
    pub(super) asks: Vec<Ask>,
    /// Steps that were waiting when this attempt began.
    pub(super) parked_before: HashSet<u32>,
    pub(super) wake_at: Option<Time>,
    pub(super) errors: HashMap<u32, (ToolError, Option<String>)>,
    pub(super) connections: HashMap<u32, String>,
    pub(super) bytes: u64,
    pub(super) steps: u32,
    /// What the input stands in, with what this attempt has emitted.
    pub(super) crowd: Crowd,
    pub(super) ending: bool,
}

impl Attempt {
    fn new(
        parts: &Arc<Parts>,
        facts: &Arc<RunFacts>,
        context: &RunContext,
        cancel: CancellationToken,
    ) -> Self {
        let base = facts.run.base();
        let (earlier, own): (Vec<StepRow>, Vec<StepRow>) = context
            .journal
            .iter()
            .cloned()
            .partition(|row| row.seq <= base);
        let matcher = Matcher::new(own);
        let earlier_places = earlier.iter().filter_map(|row| row.settled).max();
        Self {
            parts: Arc::clone(parts),
            facts: Arc::clone(facts),
            cancel,
            settled: matcher.highest_settled().max(earlier_places.unwrap_or(0)),
            matcher,
            earlier: Earlier::new(earlier, &facts.run.resumptions),
            recalled: BTreeMap::new(),
            base,
            crowd: context.crowd,
            occurrences: Occurrences::default(),
            logical: facts.logical_start,
            lost: Lost::default(),
            tasks: JoinSet::new(),
            pending: VecDeque::new(),
            asks: Vec::new(),
            parked_before: HashSet::new(),
            wake_at: None,
            errors: HashMap::new(),
            connections: HashMap::new(),
            bytes: 0,
            steps: 0,
            ending: false,
        }
    }

    async fn drive(mut self, context: RunContext) -> Left {
        let began = Instant::now();
        let mut end = self.run_script(context).await;
        // Effects on their way are awaited and recorded, however the script ended.
        self.ending = true;
        while let Some(landed) = self.tasks.join_next().await {
            let unseen = match landed {
                Ok(landed) => self.on_landed(landed),
                Err(error) => Err(End::Failed(Failure::new(
                    FailureClass::Unknown,
                    "tool_panicked",
                    format!("a tool stopped unexpectedly: {error}"),
                ))),
            };
            if let (Err(worse), End::Done { .. }) = (unseen, &end) {
                end = worse;
            }
        }
        while !self.pending.is_empty() || !self.recalled.is_empty() {
            let next = match self.next_recalled() {
                Some(delivery) => Ok(Some(delivery)),
                None => self.front().await,
            };
            match next {
                Ok(Some(Delivery {
                    seq,
                    outcome: StepOutcome::Err(error),
                    ..
                })) if matches!(end, End::Done { .. }) => {
                    // The script returned without waiting for a call, and the call failed.
                    end = End::Failed(self.tool_failure(seq, error));
                }
                Ok(_) => {}
                Err(worse) => end = worse,
            }
        }
        if matches!(end, End::Done { .. }) && (!self.asks.is_empty() || self.wake_at.is_some()) {
            end = End::Parked;
        }
        Left {
            end,
            asks: self.asks,
            wake_at: self.wake_at,
            busy: began.elapsed(),
            steps: self.steps,
        }
    }

    async fn run_script(&mut self, context: RunContext) -> End {
        let start = match start_frame(&self.parts, &self.facts, context) {
            Ok(start) => start,
            Err(error) => return End::Lost(error),
        };
        let (stopping, cancel) = (self.parts.stopping.clone(), self.cancel.clone());
        let wall = Duration::from_millis(self.facts.program.limits.wall_ms);
        let deadline = tokio::time::sleep(wall);
        tokio::pin!(deadline);
        let pool = self.parts.pool.clone();
        let lent = tokio::select! {
            lent = pool.lend(start) => lent,
            () = stopping.cancelled() => return End::Interrupted,
            () = cancel.cancelled() => return End::Cancelled,
        };
        let mut session = match lent {
            Ok(session) => session,
            Err(error) => {
                return End::Failed(crashed(&format!(
                    "the sandbox could not be started: {error}"
                )));
            }
        };
        loop {
            let frame = tokio::select! {
                frame = session.next() => frame,
                () = stopping.cancelled() => return End::Interrupted,
                () = cancel.cancelled() => return End::Cancelled,
            };
            match self.on_frame(frame) {
                Ok(None) => {}
                Ok(Some(end)) | Err(end) => return end,
            }
            let delivery = tokio::select! {
                delivery = self.next_delivery() => delivery,
                () = &mut deadline => {
                    return End::Failed(Failure::new(
                        FailureClass::Limit,
                        "wall",
                        format!("the run took longer than {} s; it was stopped", wall.as_secs()),
                    ));
                }
                () = stopping.cancelled() => return End::Interrupted,
                () = cancel.cancelled() => return End::Cancelled,
            };
            match delivery {
                Ok(delivery) => {
                    if let Err(end) = self.deliver(&mut session, delivery).await {
                        return end;
                    }
                }
                Err(end) => return end,
            }
        }
    }

    fn on_frame(&mut self, frame: Result<FromWorker, Died>) -> Result<Option<End>, End> {
        let frame = frame.map_err(|died| End::Failed(death(&died)))?;
        self.log(frame.logs);
        match frame.event {
            WorkerEvent::Calls { calls } => {
                for call in calls {
                    self.on_call(call)?;
                }
                Ok(None)
            }
            WorkerEvent::Done {
                result,
                state,
                calls,
            } => {
                for call in calls {
                    self.on_call(call)?;
                }
                if let Some(left) = self.matcher.left_over().into_iter().next() {
                    return Err(End::Failed(nondeterminism(left)));
                }
                Ok(Some(End::Done { result, state }))
            }
            WorkerEvent::Failed(failure) => Ok(Some(End::Failed(self.script_failure(failure)))),
            WorkerEvent::Ready => Err(End::Failed(crashed("the sandbox spoke out of turn"))),
        }
    }

    /// The next end for the script: recorded ones first, in their order, then those of this attempt.
    async fn next_delivery(&mut self) -> Result<Delivery, End> {
        loop {
            if let Some(delivery) = self.matcher.next() {
                return Ok(delivery);
            }
            if !self.matcher.replaying()
                && let Some(delivery) = self.next_recalled()
            {
                return Ok(delivery);
            }
            if !self.matcher.replaying()
                && let Some(delivery) = self.front().await?
            {
                return Ok(delivery);
            }
            if !self.matcher.replaying() && !self.pending.is_empty() {
                continue;
            }
            match self.tasks.join_next().await {
                Some(Ok(landed)) => self.on_landed(landed)?,
                Some(Err(error)) => {
                    return Err(End::Failed(Failure::new(
                        FailureClass::Unknown,
                        "tool_panicked",
                        format!("a tool stopped unexpectedly: {error}"),
                    )));
                }
                None if !self.asks.is_empty() || self.wake_at.is_some() => return Err(End::Parked),
                None if self.matcher.replaying() => {
                    let left = self
                        .matcher
                        .left_over()
                        .into_iter()
                        .next()
                        .unwrap_or_default();
                    return Err(End::Failed(nondeterminism(left)));
                }
                None => return Err(End::Failed(crashed("the sandbox waits for nothing"))),
            }
        }
    }

    /// The end at the front of the queue, once it is on disk. `None` when the queue is empty, or when
    /// the call in front came to wait instead.
    async fn front(&mut self) -> Result<Option<Delivery>, End> {
        let came_to = match self.pending.front_mut() {
            None => return Ok(None),
            Some(Pending::Known { committed, .. }) => match committed {
                Some(written) => stored(written).await.map(|()| None),
                None => Ok(None),
            },
            Some(Pending::Applying { applied, .. }) => stored(applied).await.map(Some),
        };
        // It can be heard once: the call leaves the queue with it, also when it could not be written.
        let front = self.pending.pop_front();
        match (front, came_to?) {
            (Some(Pending::Known { delivery, .. }), _) => Ok(Some(delivery)),
            (
                Some(Pending::Applying {
                    call,
                    began,
                    logical_at,
                    ..
                }),
                Some(end),
            ) => match end {
                LocalEnd::Ended(outcome) => Ok(Some(Delivery {
                    seq: call.step.seq,
                    outcome,
                    logical_at,
                })),
                LocalEnd::Stopped(entry, intended) => {
                    if let Way::Stop(landed) = calls::way(*intended, entry, &call, began) {
                        self.on_landed(*landed)?;
                    }
                    Ok(None)
                }
            },
            (Some(Pending::Applying { .. }), None) | (None, _) => Ok(None),
        }
    }

    async fn deliver(&mut self, session: &mut Session, delivery: Delivery) -> Result<(), End> {
        self.logical = self.logical.max(delivery.logical_at);
        self.bytes += calls::size(&delivery.outcome);
        if self.bytes > self.facts.program.limits.total_bytes {
            return Err(End::Failed(Failure::new(
                FailureClass::Limit,
                "bytes",
                format!(
                    "the run's tools returned more than {} bytes",
                    self.facts.program.limits.total_bytes
                ),
            )));
        }
        if let StepOutcome::Err(error) = &delivery.outcome {
            let connection = self.connections.get(&delivery.seq).cloned();
            self.errors
                .insert(delivery.seq, (error.clone(), connection));
            if !catchable(error.class) {
                return Err(End::Failed(self.tool_failure(delivery.seq, error.clone())));
            }
        }
        let outcome = calls::to_frame(&delivery.outcome).map_err(End::Lost)?;
        let answer = Answer {
            id: delivery.seq - self.base,
            now: self.logical,
            outcome,
        };
        session
            .answer(answer)
            .await
            .map_err(|died| End::Failed(death(&died)))
    }
}

/// What the store answered, to be awaited once.
async fn stored<T>(answer: &mut oneshot::Receiver<Result<T, StoreError>>) -> Result<T, End> {
    answer
        .await
        .unwrap_or(Err(StoreError::Stopped))
        .map_err(End::Lost)
}

/// What the worker is given.
fn start_frame(parts: &Parts, facts: &RunFacts, context: RunContext) -> Result<Start, StoreError> {
    let program = &facts.program;
    let ctx = to_raw_value(&json!({
        "input": context.payload,
        "trigger": {"kind": context.source.as_str(), "due_at": context.run.due_at, "topic": context.topic},
        "automation": {
            "id": crate::store::Key::Automation.id(context.run.automation),
            "name": context.name,
            "timezone": context.timezone,
        },
        "run": {"id": crate::store::Key::Run.id(context.run.key), "attempt": context.run.attempt},
        "params": program.contract.params,
    }))
    .map_err(|e| StoreError::corrupt("input", e))?;
    Ok(Start {
        script: program.script.clone(),
        topic: context.topic.filter(|_| context.source == SourceKind::Emit),
        ctx,
        state: context.state,
        seed: context.run.seed,
        now: facts.logical_start,
        timezone: context.timezone,
        limits: program.limits,
        tools: parts.registry.host_names(),
        denied: program.denied.clone(),
    })
}

/// Whether the script may catch a tool's error of a class and go on.
fn catchable(class: FailureClass) -> bool {
    match class {
        FailureClass::Limit | FailureClass::Permission | FailureClass::InDoubt => false,
        FailureClass::Transient
        | FailureClass::Auth
        | FailureClass::Approval
        | FailureClass::Precondition
        | FailureClass::Logic
        | FailureClass::Unknown => true,
    }
}

/// A failure that took the sandbox's process with it.
pub(super) fn crashed(message: &str) -> Failure {
    let mut failure = Failure::new(FailureClass::Limit, "crash", message);
    failure.crash = true;
    failure
}

fn death(died: &Died) -> Failure {
    match died {
        Died::CpuLimit => Failure::new(
            FailureClass::Limit,
            "cpu",
            "the script used more CPU time than it may; it was stopped",
        ),
        Died::WallLimit => Failure::new(
            FailureClass::Limit,
            "wall",
            "the script ran longer than it may; it was stopped",
        ),
        other => crashed(&format!(
            "the sandbox's process ended under the script: {other}"
        )),
    }
}

/// A run that does not follow its own journal.
pub(super) fn nondeterminism(message: String) -> Failure {
    Failure::new(FailureClass::Logic, "nondeterminism", message)
}
