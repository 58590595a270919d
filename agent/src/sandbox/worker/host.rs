//! What the prelude calls: one object of functions, handed to it and to nothing else. It holds the
//! run's deterministic time, randomness and zone, and collects calls and logs.

use crate::sandbox::frames::{Call, LOG_BYTES, LogLine, ScriptFailure};
use blake3::OutputReader;
use deputy_protocol::FailureClass;
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use rquickjs::{Ctx, Exception, Function, Object, Result, TypedArray};
use serde_json::value::RawValue;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How the script ended, once it has.
pub(super) enum Ended {
    Done { result: String, state: String },
    Failed(ScriptFailure),
}

/// The run's side of the host functions.
pub(super) struct HostState {
    pub(super) now_ms: i64,
    pub(super) zone: TimeZone,
    /// A keyed BLAKE3 stream.
    pub(super) random: OutputReader,
    pub(super) calls: Vec<Call>,
    pub(super) logs: Vec<LogLine>,
    pub(super) next_call: u32,
    pub(super) steps_left: u32,
    pub(super) out_of_steps: bool,
    /// A call's arguments, and the run's result and state, may have so many bytes each.
    pub(super) call_bytes: u64,
    /// All arguments together may have so many more.
    pub(super) bytes_left: u64,
    pub(super) out_of_bytes: bool,
    /// A pure operation that the contract forbids was called.
    pub(super) forbidden: Option<ScriptFailure>,
    log_bytes: usize,
    pub(super) ended: Option<Ended>,
}

/// A zone from the database that is compiled in: a confined worker can read no other.
pub(super) fn zone(name: &str) -> TimeZone {
    jiff::tz::TimeZoneDatabase::bundled()
        .get(name)
        .unwrap_or(TimeZone::UTC)
}

/// The stream of random bytes that a seed stands for.
pub(super) fn random_stream(seed: &[u8; 32]) -> OutputReader {
    blake3::Hasher::new_keyed(seed).finalize_xof()
}

impl HostState {
    pub(super) fn new() -> Self {
        Self {
            now_ms: 0,
            zone: TimeZone::UTC,
            random: random_stream(&[0; 32]),
            calls: Vec::new(),
            logs: Vec::new(),
            next_call: 0,
            steps_left: 0,
            out_of_steps: false,
            call_bytes: 0,
            bytes_left: 0,
            out_of_bytes: false,
            forbidden: None,
            log_bytes: 0,
            ended: None,
        }
    }

    fn step(&mut self) -> bool {
        if self.steps_left == 0 {
            self.out_of_steps = true;
            return false;
        }
        self.steps_left -= 1;
        true
    }

    fn hand_out(&mut self, bytes: usize) -> bool {
        let bytes = bytes as u64;
        self.out_of_bytes |= bytes > self.call_bytes || bytes > self.bytes_left;
        self.bytes_left = self.bytes_left.saturating_sub(bytes);
        !self.out_of_bytes
    }

    fn log(&mut self, level: String, message: String, fields: Option<String>) {
        let fields = fields.and_then(|text| RawValue::from_string(text).ok());
        let line = LogLine {
            level,
            message,
            fields,
        };
        let size = line.size();
        if self.log_bytes + size > LOG_BYTES {
            if self.log_bytes <= LOG_BYTES {
                self.log_bytes = LOG_BYTES + 1;
                let message = "more was logged here than is kept".to_owned();
                self.logs.push(LogLine {
                    level: "warn".to_owned(),
                    message,
                    fields: None,
                });
            }
            return;
        }
        self.log_bytes += size;
        self.logs.push(line);
    }
}

pub(super) type Shared = Rc<RefCell<HostState>>;

/// A failure as the prelude reports it.
#[derive(serde::Deserialize)]
struct Reported {
    name: String,
    message: String,
    stack: String,
    call: Option<u32>,
    class: Option<String>,
    code: Option<String>,
}

fn failure(json: &str) -> ScriptFailure {
    match serde_json::from_str::<Reported>(json) {
        Ok(reported) => ScriptFailure {
            class: reported
                .class
                .and_then(|c| FailureClass::parse(&c))
                .unwrap_or(FailureClass::Logic),
            code: reported.code.unwrap_or_else(|| "exception".to_owned()),
            message: if reported.name.is_empty() {
                reported.message
            } else {
                format!("{}: {}", reported.name, reported.message)
            },
            stack: clean_stack(&reported.stack),
            call: reported.call,
        },
        Err(_) => ScriptFailure {
            class: FailureClass::Logic,
            code: "exception".to_owned(),
            message: "the script threw something that cannot be read".to_owned(),
            stack: String::new(),
            call: None,
        },
    }
}

/// The frames of the script alone.
pub(super) fn clean_stack(stack: &str) -> String {
    stack
        .lines()
        .filter(|line| !line.contains("deputy:prelude") && !line.contains("(native)"))
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Builds the object of host functions.
pub(super) fn object<'js>(ctx: &Ctx<'js>, state: &Shared) -> Result<Object<'js>> {
    let host = Object::new(ctx.clone())?;
    let with = |state: &Shared| Rc::clone(state);

    let s = with(state);
    host.set(
        "call",
        Function::new(ctx.clone(), move |tool: String, args: String| -> u32 {
            let mut state = s.borrow_mut();
            if !state.step() {
                return 0;
            }
            let Ok(args) = RawValue::from_string(args) else {
                return 0;
            };
            if !state.hand_out(args.get().len()) {
                return 0;
            }
            state.next_call += 1;
            let id = state.next_call;
            state.calls.push(Call { id, tool, args });
            id
        })?,
    )?;
    let s = with(state);
    host.set(
        "step",
        Function::new(ctx.clone(), move || s.borrow_mut().step())?,
    )?;
    let s = with(state);
    host.set(
        "now",
        Function::new(ctx.clone(), move || s.borrow().now_ms as f64)?,
    )?;
    let s = with(state);
    host.set(
        "random",
        Function::new(ctx.clone(), move || {
            let mut bytes = [0; 8];
            s.borrow_mut().random.fill(&mut bytes);
            (u64::from_le_bytes(bytes) >> 11) as f64 / (1u64 << 53) as f64
        })?,
    )?;
    let s = with(state);
    host.set(
        "randomBytes",
        Function::new(
            ctx.clone(),
            move |ctx: Ctx<'js>, n: usize| -> Result<TypedArray<'js, u8>> {
                if n > 65_536 {
                    return Err(Exception::throw_range(
                        &ctx,
                        "at most 65536 bytes at a time",
                    ));
                }
                let mut bytes = vec![0; n];
                s.borrow_mut().random.fill(&mut bytes);
                TypedArray::new_copy(ctx, bytes)
            },
        )?,
    )?;
    let s = with(state);
    host.set(
        "log",
        Function::new(
            ctx.clone(),
            move |level: String, message: String, fields: Option<String>| {
                s.borrow_mut().log(level, message, fields);
            },
        )?,
    )?;
    let s = with(state);
    host.set(
        "done",
        Function::new(ctx.clone(), move |result: String, changed: String| {
            let mut state = s.borrow_mut();
            let longest = result.len().max(changed.len()) as u64;
            state.out_of_bytes |= longest > state.call_bytes;
            state.ended.get_or_insert(Ended::Done {
                result,
                state: changed,
            });
        })?,
    )?;
    let s = with(state);
    host.set(
        "failed",
        Function::new(ctx.clone(), move |json: String| {
            let ended = Ended::Failed(failure(&json));
            s.borrow_mut().ended.get_or_insert(ended);
        })?,
    )?;
    host.set(
        "isPromise",
        Function::new(ctx.clone(), |value: rquickjs::Value<'js>| {
            value.is_promise()
        })?,
    )?;
    zone_functions(ctx, &host, state)?;
    text_functions(ctx, &host)?;
    Ok(host)
}

/// An instant, or the nearest that the calendar of the zone's database reaches: ECMAScript's dates
/// go on for some 260,000 years more.
fn nearest(ms: f64) -> Timestamp {
    Timestamp::from_millisecond(ms as i64).unwrap_or(if ms < 0.0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

fn zone_functions<'js>(ctx: &Ctx<'js>, host: &Object<'js>, state: &Shared) -> Result<()> {
    let s = Rc::clone(state);
    // Minutes that local time is ahead of UTC at an instant.
    host.set(
        "offsetAt",
        Function::new(ctx.clone(), move |ms: f64| -> f64 {
            let state = s.borrow();
            f64::from(state.zone.to_offset(nearest(ms)).seconds()) / 60.0
        })?,
    )?;
    let s = Rc::clone(state);
    // The instant of a local time, itself given as if it were UTC. In a gap the time before it
    // counts on, in a fold the first is meant (as ECMAScript says).
    host.set(
        "localToUtc",
        Function::new(ctx.clone(), move |ms: f64| -> f64 {
            let state = s.borrow();
            let Ok(instant) = Timestamp::from_millisecond(ms as i64) else {
                return ms - f64::from(state.zone.to_offset(nearest(ms)).seconds()) * 1_000.0;
            };
            let local: civil::DateTime = TimeZone::UTC.to_datetime(instant);
            state
                .zone
                .to_ambiguous_zoned(local)
                .compatible()
                .map_or(f64::NAN, |z| z.timestamp().as_millisecond() as f64)
        })?,
    )?;
    let s = Rc::clone(state);
    host.set(
        "zoneName",
        Function::new(ctx.clone(), move |ms: f64| -> String {
            let state = s.borrow();
            let info = state.zone.to_offset_info(nearest(ms));
            info.abbreviation().to_owned()
        })?,
    )?;
    Ok(())
}

/// The bytes of a typed array.
fn copy(bytes: &TypedArray<'_, u8>) -> Vec<u8> {
    // SAFETY: nothing runs in the engine between the borrow and the copy.
    #[allow(unsafe_code)]
    unsafe { bytes.as_bytes() }.unwrap_or_default().to_vec()
}

fn text_functions<'js>(ctx: &Ctx<'js>, host: &Object<'js>) -> Result<()> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    host.set(
        "utf8",
        Function::new(
            ctx.clone(),
            |ctx: Ctx<'js>, text: rquickjs::Coerced<String>| {
                TypedArray::<u8>::new_copy(ctx, text.0.into_bytes())
            },
        )?,
    )?;
    host.set(
        "fromUtf8",
        Function::new(
            ctx.clone(),
            |ctx: Ctx<'js>, bytes: TypedArray<'js, u8>, fatal: bool| -> Result<String> {
                let bytes = copy(&bytes);
                if fatal {
                    return String::from_utf8(bytes)
                        .map_err(|_| Exception::throw_type(&ctx, "the bytes are not UTF-8"));
                }
                Ok(String::from_utf8_lossy(&bytes).into_owned())
            },
        )?,
    )?;
    host.set(
        "toBase64",
        Function::new(ctx.clone(), |bytes: TypedArray<'js, u8>| {
            STANDARD.encode(copy(&bytes))
        })?,
    )?;
    host.set(
        "fromBase64",
        Function::new(
            ctx.clone(),
            |ctx: Ctx<'js>, text: String| -> Result<TypedArray<'js, u8>> {
                let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
                let bytes = STANDARD
                    .decode(&text)
                    .or_else(|_| base64::engine::general_purpose::STANDARD_NO_PAD.decode(&text))
                    .map_err(|_| Exception::throw_type(&ctx, "this is not base64"))?;
                TypedArray::new_copy(ctx, bytes)
            },
        )?,
    )?;
    // Parses a URL, with one part replaced if named; the parts as JSON, or null.
    host.set(
        "url",
        Function::new(
            ctx.clone(),
            |text: String, base: Option<String>, part: Option<String>, value: Option<String>| {
                url_parts(&text, base.as_deref(), part.as_deref(), value.as_deref())
            },
        )?,
    )?;
    Ok(())
}

fn url_parts(
    text: &str,
    base: Option<&str>,
    part: Option<&str>,
    value: Option<&str>,
) -> Option<String> {
    let mut url = match base {
        Some(base) => url::Url::parse(base).ok()?.join(text).ok()?,
        None => url::Url::parse(text).ok()?,
    };
    if let (Some(part), Some(value)) = (part, value) {
        // As in browsers, a value that does not fit leaves the URL as it was.
        let _ = match part {
            "protocol" => url::quirks::set_protocol(&mut url, value),
            "username" => url::quirks::set_username(&mut url, value),
            "password" => url::quirks::set_password(&mut url, value),
            "host" => url::quirks::set_host(&mut url, value),
            "hostname" => url::quirks::set_hostname(&mut url, value),
            "port" => url::quirks::set_port(&mut url, value),
            "pathname" => {
                url::quirks::set_pathname(&mut url, value);
                Ok(())
            }
            "search" => {
                url::quirks::set_search(&mut url, value);
                Ok(())
            }
            "hash" => {
                url::quirks::set_hash(&mut url, value);
                Ok(())
            }
            _ => Err(()),
        };
    }
    let parts: BTreeMap<&str, String> = [
        ("href", url.as_str().to_owned()),
        ("origin", url::quirks::origin(&url)),
        ("protocol", url::quirks::protocol(&url).to_owned()),
        ("username", url::quirks::username(&url).to_owned()),
        ("password", url::quirks::password(&url).to_owned()),
        ("host", url::quirks::host(&url).to_owned()),
        ("hostname", url::quirks::hostname(&url).to_owned()),
        ("port", url::quirks::port(&url).to_owned()),
        ("pathname", url::quirks::pathname(&url).to_owned()),
        ("search", url::quirks::search(&url).to_owned()),
        ("hash", url::quirks::hash(&url).to_owned()),
    ]
    .into_iter()
    .collect();
    serde_json::to_string(&parts).ok()
}
