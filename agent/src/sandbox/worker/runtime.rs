//! The engine: a QuickJS runtime that is fresh for each run, with limits that a script cannot catch.
//! It is made once in a worker and put back to what it was after each run (`memory.rs`).

use super::depth::{self, Depth};
use super::host::{self, Ended, HostState, Shared};
use super::memory::{Heap, Limited};
use crate::sandbox::PureTools;
use crate::sandbox::frames::{
    Answer, FromWorker, Limits, Outcome, ScriptFailure, Start, WorkerEvent,
};
use crate::tools::ToolError;
use deputy_protocol::FailureClass;
use rquickjs::module::WriteOptions;
use rquickjs::{CatchResultExt, Context, Ctx, Function, Module, Object, Persistent, Value};
use serde_json::value::RawValue;
use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::rc::Rc;
use std::time::Duration;

/// What the runtime itself may use before a run's own limits are known.
const BUILD_HEAP: usize = 32 << 20;
const BUILD_STACK: usize = 512 << 10;

#[derive(Debug, Default)]
struct Cpu {
    deadline: Cell<Option<Duration>>,
    exceeded: Cell<bool>,
}

/// CPU time of this process so far.
fn cpu_time() -> Duration {
    let spec = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(spec.tv_sec).unwrap_or(0),
        u32::try_from(spec.tv_nsec).unwrap_or(0),
    )
}

/// The engine is never freed: it lives as long as its process.
pub(super) struct Runtime {
    start: ManuallyDrop<Persistent<Function<'static>>>,
    settle: ManuallyDrop<Persistent<Function<'static>>>,
    report: ManuallyDrop<Persistent<Function<'static>>>,
    context: ManuallyDrop<Context>,
    engine: ManuallyDrop<rquickjs::Runtime>,
    state: Shared,
    heap: Rc<Heap>,
    depth: Option<Depth>,
    too_deep: bool,
    cpu: Rc<Cpu>,
    limits: Limits,
    denied: Rc<RefCell<Vec<String>>>,
    outstanding: u32,
    total_bytes: u64,
}

thread_local! {
    // The worker is single-threaded and runs one script at a time; the pure tools are lent to the
    // engine's callbacks for exactly that long.
    static LENT: Cell<Option<&'static dyn PureTools>> = const { Cell::new(None) };
}

impl Runtime {
    /// A runtime with the prelude evaluated, ready to start.
    pub(super) fn fresh() -> rquickjs::Result<Self> {
        let heap = Rc::new(Heap::new(BUILD_HEAP));
        let engine = rquickjs::Runtime::new_with_alloc(Limited(Rc::clone(&heap)))?;
        engine.set_max_stack_size(BUILD_STACK + depth::SLACK);
        let cpu = Rc::new(Cpu::default());
        let (watched, full) = (Rc::clone(&cpu), Rc::clone(&heap));
        engine.set_interrupt_handler(Some(Box::new(move || {
            if full.refused.get() {
                return true;
            }
            let over = watched
                .deadline
                .get()
                .is_some_and(|deadline| cpu_time() > deadline);
            if over {
                watched.exceeded.set(true);
            }
            over
        })));
        let context = Context::full(&engine)?;
        let state: Shared = Rc::new(RefCell::new(HostState::new()));
        let denied = Rc::new(RefCell::new(Vec::new()));
        let (start, settle, report) = context.with(|ctx| prelude(&ctx, &state, &denied))?;
        engine.run_gc();
        heap.seal();
        Ok(Self {
            start: ManuallyDrop::new(start),
            settle: ManuallyDrop::new(settle),
            report: ManuallyDrop::new(report),
            context: ManuallyDrop::new(context),
            engine: ManuallyDrop::new(engine),
            state,
            heap,
            depth: None,
            too_deep: false,
            cpu,
            limits: Limits::default(),
            denied,
            outstanding: 0,
            total_bytes: 0,
        })
    }

    /// Makes the runtime fresh again after a run.
    fn restore(&mut self) {
        // Before the memory: what a host function still held would be freed into it.
        *self.state.borrow_mut() = HostState::new();
        self.denied.borrow_mut().clear();
        self.cpu.deadline.set(None);
        self.cpu.exceeded.set(false);
        self.depth = None;
        self.too_deep = false;
        self.outstanding = 0;
        self.total_bytes = 0;
        // SAFETY: the values that outlive a run are the functions and the context from before the
        // seal; all others are borrowed within calls that have returned. Host functions are made
        // before the seal only, and what they hold in Rust's memory they hold for ever.
        #[allow(unsafe_code)]
        unsafe {
            self.heap.restore();
        }
    }

    /// Starts the script and runs it as far as it goes.
    pub(super) fn begin(mut self, start: Start, tools: &dyn PureTools) -> Running {
        self.limits = start.limits;
        let heap_limit = usize::try_from(start.limits.heap_bytes).unwrap_or(usize::MAX);
        // The script's own sources and the prelude do not count against it.
        self.heap
            .limit
            .set(self.heap.used.get().saturating_add(heap_limit));
        let stack = usize::try_from(start.limits.stack_bytes).unwrap_or(BUILD_STACK);
        self.depth = Some(Depth::watch(stack));
        self.engine
            .set_max_stack_size(stack.saturating_add(depth::SLACK));
        self.cpu.deadline.set(Some(
            cpu_time() + Duration::from_millis(start.limits.cpu_ms),
        ));
        self.denied.borrow_mut().clone_from(&start.denied);
        {
            let mut state = self.state.borrow_mut();
            state.now_ms = start.now.0;
            state.zone = host::zone(&start.timezone);
            state.random = host::random_stream(&start.seed);
            state.steps_left = start.limits.steps;
            state.call_bytes = start.limits.result_bytes;
            state.bytes_left = start.limits.total_bytes;
        }
        let frame = lend(tools, || {
            self.load(&start);
            self.pump()
        });
        Running {
            runtime: self,
            frame,
        }
    }

    fn load(&mut self, start: &Start) {
        let state_text = serde_json::to_string(&start.state).unwrap_or_else(|_| "{}".to_owned());
        // As text: an array would be filled through setters that the script may have put in the way.
        let tools = serde_json::to_string(&start.tools).unwrap_or_else(|_| "[]".to_owned());
        let entry = (*self.start).clone();
        let report = (*self.report).clone();
        let shared = Rc::clone(&self.state);
        let failed = self.context.with(|ctx| -> Option<ScriptFailure> {
            let module =
                match Module::declare(ctx.clone(), "script", start.script.as_str()).catch(&ctx) {
                    Ok(module) => module,
                    Err(error) => return Some(syntax(&error.to_string())),
                };
            let (module, promise) = match module.eval().catch(&ctx) {
                Ok(evaluated) => evaluated,
                Err(error) => return Some(exception(&error.to_string())),
            };
            while self.over_limit().is_none() && ctx.execute_pending_job() {}
            let loaded = promise.result::<Value<'_>>();
            if loaded.is_none() {
                return Some(deadlock());
            }
            if let Some(Err(_)) = loaded {
                let thrown = ctx.catch();
                let report = report.restore(&ctx).ok()?;
                return report
                    .call::<_, ()>((thrown,))
                    .err()
                    .map(|e| exception(&e.to_string()));
            }
            let namespace = module.namespace().ok()?;
            let run = || -> rquickjs::Result<()> {
                let entry = entry.restore(&ctx)?;
                entry.call((
                    namespace,
                    start.topic.clone(),
                    start.ctx.get(),
                    state_text,
                    tools,
                ))
            };
            run()
                .catch(&ctx)
                .err()
                .map(|error| exception(&error.to_string()))
        });
        if let Some(failure) = failed {
            shared
                .borrow_mut()
                .ended
                .get_or_insert(Ended::Failed(failure));
        }
    }

    fn settle(&mut self, answer: &Answer) -> Option<ScriptFailure> {
        let (ok, json): (bool, &RawValue) = match &answer.outcome {
            Outcome::Ok(json) => (true, json),
            Outcome::Err(json) => (false, json),
        };
        let bytes = json.get().len() as u64;
        self.total_bytes += bytes;
        if ok && (bytes > self.limits.result_bytes || self.total_bytes > self.limits.total_bytes) {
            return Some(limit(
                "bytes",
                "the tools returned more than the run may take in",
            ));
        }
        {
            let mut state = self.state.borrow_mut();
            state.now_ms = state.now_ms.max(answer.now.0);
        }
        self.outstanding = self.outstanding.saturating_sub(1);
        let settle = (*self.settle).clone();
        self.context.with(|ctx| {
            let settled = settle
                .restore(&ctx)
                .and_then(|f| f.call::<_, bool>((answer.id, ok, json.get())))
                .catch(&ctx);
            settled.err().map(|error| exception(&error.to_string()))
        })
    }

    /// Runs all jobs, then says what there is to say.
    fn pump(&mut self) -> FromWorker {
        loop {
            match self.engine.execute_pending_job() {
                Ok(true) => {}
                Ok(false) => break,
                // An uncatchable error ends the job; what it was is in the flags.
                Err(_) if self.over_limit().is_some() => break,
                Err(_) => {}
            }
            if self.over_limit().is_some() {
                break;
            }
        }
        self.look_at_depth();
        let over = self.over_limit();
        let mut state = self.state.borrow_mut();
        let logs = std::mem::take(&mut state.logs);
        let calls = std::mem::take(&mut state.calls);
        self.outstanding += u32::try_from(calls.len()).unwrap_or(u32::MAX);
        let event = match (over, state.ended.take()) {
            (Some(failure), _) => WorkerEvent::Failed(failure),
            (
                None,
                Some(Ended::Done {
                    result,
                    state: changed,
                }),
            ) => done(result, &changed, calls),
            (None, Some(Ended::Failed(failure))) => WorkerEvent::Failed(failure),
            (None, None) if self.outstanding == 0 => WorkerEvent::Failed(deadlock()),
            (None, None) => WorkerEvent::Calls { calls },
        };
        FromWorker { logs, event }
    }

    fn look_at_depth(&mut self) -> &Self {
        self.too_deep = self.depth.as_ref().is_some_and(Depth::exceeded);
        self
    }

    fn over_limit(&self) -> Option<ScriptFailure> {
        if self.heap.refused.get() {
            return Some(limit(
                "heap",
                &format!(
                    "the script used more than {} bytes of memory",
                    self.limits.heap_bytes
                ),
            ));
        }
        if self.too_deep {
            return Some(limit(
                "stack",
                &format!(
                    "the script's calls went deeper than {} bytes of stack",
                    self.limits.stack_bytes
                ),
            ));
        }
        if self.cpu.exceeded.get() {
            return Some(limit(
                "cpu",
                &format!(
                    "the script used more than {} ms of CPU time",
                    self.limits.cpu_ms
                ),
            ));
        }
        let state = self.state.borrow();
        if state.out_of_steps {
            return Some(limit(
                "steps",
                &format!("the script made more than {} tool calls", self.limits.steps),
            ));
        }
        if state.out_of_bytes {
            return Some(limit(
                "bytes",
                &format!(
                    "the script handed out more than {} bytes at once, or {} in all",
                    self.limits.result_bytes, self.limits.total_bytes
                ),
            ));
        }
        state.forbidden.clone()
    }
}

/// A run under way.
pub(super) struct Running {
    runtime: Runtime,
    frame: FromWorker,
}

impl Running {
    /// Ends the run, wherever it is; the runtime is fresh again.
    pub(super) fn end(mut self) -> Runtime {
        self.runtime.restore();
        self.runtime
    }

    /// The frame to be sent now.
    pub(super) fn frame(&mut self) -> FromWorker {
        let ended = WorkerEvent::Calls { calls: Vec::new() };
        std::mem::replace(
            &mut self.frame,
            FromWorker {
                logs: Vec::new(),
                event: ended,
            },
        )
    }

    /// Takes an answer and runs on as far as the script goes.
    pub(super) fn answer(&mut self, answer: &Answer, tools: &dyn PureTools) {
        let runtime = &mut self.runtime;
        self.frame = lend(tools, || match runtime.settle(answer) {
            Some(failure) => match runtime.look_at_depth().over_limit() {
                Some(over) => FromWorker {
                    logs: Vec::new(),
                    event: WorkerEvent::Failed(over),
                },
                None => FromWorker {
                    logs: Vec::new(),
                    event: WorkerEvent::Failed(failure),
                },
            },
            None => runtime.pump(),
        });
    }
}

fn lend<T>(tools: &dyn PureTools, run: impl FnOnce() -> T) -> T {
    // SAFETY: only the lifetime is stretched, and the reference is taken back before this returns;
    // a panic unwinds out of the worker, which then ends.
    #[allow(unsafe_code)]
    let lent: &'static dyn PureTools = unsafe { std::mem::transmute(tools) };
    LENT.set(Some(lent));
    let result = run();
    LENT.set(None);
    result
}

type Api = (
    Persistent<Function<'static>>,
    Persistent<Function<'static>>,
    Persistent<Function<'static>>,
);

fn prelude(
    ctx: &Ctx<'_>,
    state: &Shared,
    denied: &Rc<RefCell<Vec<String>>>,
) -> rquickjs::Result<Api> {
    let host = host::object(ctx, state)?;
    let (denied, shared) = (Rc::clone(denied), Rc::clone(state));
    host.set(
        "pure",
        Function::new(ctx.clone(), move |tool: String, args: String| {
            let mut state = shared.borrow_mut();
            pure(&mut state, &denied.borrow(), &tool, &args)
        })?,
    )?;
    let names: Vec<String> = PURE_NAMES.with(|names| names.borrow().clone());
    // SAFETY: the bytes come from this process's own compilation, by the same engine.
    #[allow(unsafe_code)]
    let module = PRELUDE.with_borrow(|bytes| unsafe { Module::load(ctx.clone(), bytes) })?;
    let (module, _) = module.eval()?;
    let make: Function<'_> = module.namespace()?.get("prelude")?;
    let api: Object<'_> = make.call((host, names))?;
    Ok((
        Persistent::save(ctx, api.get::<_, Function<'_>>("start")?),
        Persistent::save(ctx, api.get::<_, Function<'_>>("settle")?),
        Persistent::save(ctx, api.get::<_, Function<'_>>("report")?),
    ))
}

thread_local! {
    static PURE_NAMES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static PRELUDE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What all runtimes of this worker share: the names of the pure tools, and the prelude, compiled
/// once and without its text, which a script could read otherwise.
pub(super) fn prepare(pure_names: Vec<String>) -> rquickjs::Result<()> {
    let engine = rquickjs::Runtime::new()?;
    let compiled = Context::full(&engine)?.with(|ctx| {
        let source = include_str!("prelude.js");
        Module::declare(ctx, "deputy:prelude", source)?.write(WriteOptions {
            strip_source: true,
            ..WriteOptions::default()
        })
    })?;
    PRELUDE.set(compiled);
    PURE_NAMES.set(pure_names);
    Ok(())
}

fn pure(state: &mut HostState, denied: &[String], tool: &str, args: &str) -> String {
    let result = if denied
        .iter()
        .any(|pattern| crate::gate::names(pattern, tool))
    {
        let message = "the contract forbids this operation";
        // Not for the script to catch: the run ends with it.
        state.forbidden.get_or_insert_with(|| ScriptFailure {
            class: FailureClass::Permission,
            code: "never".to_owned(),
            message: format!("{tool}: {message}"),
            stack: String::new(),
            call: None,
        });
        Err(ToolError::not_done(
            FailureClass::Permission,
            "never",
            tool,
            message,
        ))
    } else {
        match LENT.get() {
            Some(tools) => tools.call(tool, args),
            None => Err(ToolError::invalid_input(
                tool,
                "tools can only be called while the script runs",
            )),
        }
    };
    let answer = match result {
        Ok(json) => serde_json::json!({"ok": json}),
        Err(error) => serde_json::json!({"error": error}),
    };
    answer.to_string()
}

fn done(result: String, changed: &str, calls: Vec<crate::sandbox::frames::Call>) -> WorkerEvent {
    let parsed = RawValue::from_string(result)
        .ok()
        .zip(serde_json::from_str(changed).ok());
    match parsed {
        Some((result, state)) => WorkerEvent::Done {
            result,
            state,
            calls,
        },
        None => WorkerEvent::Failed(exception("the script returned something that is not JSON")),
    }
}

fn limit(code: &str, message: &str) -> ScriptFailure {
    ScriptFailure {
        class: FailureClass::Limit,
        code: code.to_owned(),
        message: format!("{message}; it was stopped"),
        stack: String::new(),
        call: None,
    }
}

fn deadlock() -> ScriptFailure {
    ScriptFailure {
        class: FailureClass::Logic,
        code: "deadlock".to_owned(),
        message:
            "the script waits for something that can never come (a promise that nobody settles)"
                .to_owned(),
        stack: String::new(),
        call: None,
    }
}

fn syntax(message: &str) -> ScriptFailure {
    ScriptFailure {
        code: "syntax".to_owned(),
        ..exception(message)
    }
}

fn exception(text: &str) -> ScriptFailure {
    let mut lines = text.lines();
    let message = lines.next().unwrap_or_default().to_owned();
    ScriptFailure {
        class: FailureClass::Logic,
        code: "exception".to_owned(),
        message,
        stack: host::clean_stack(&lines.collect::<Vec<_>>().join("\n")),
        call: None,
    }
}
