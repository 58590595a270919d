//! What a failure is, by what the provider said and how. Tables.

use crate::models::error::ModelError;
use crate::tools::retry_after;
use serde_json::Value;

/// The most of a provider's message that is passed on.
const LONGEST_MESSAGE: usize = 300;

/// What a failure of the client crate is.
pub(in crate::models) fn failure(error: &genai::Error) -> ModelError {
    match error {
        genai::Error::HttpError {
            status,
            body,
            headers,
            ..
        } => {
            let wait = headers
                .get("retry-after")
                .and_then(|value| value.to_str().ok())
                .and_then(retry_after);
            of_status(status.as_u16(), body, wait)
        }
        genai::Error::WebStream { error, cause, .. } => {
            match error.downcast_ref::<genai::Error>() {
                Some(inner) => failure(inner),
                None => ModelError::Unreachable(short(&chain(error.as_ref(), cause))),
            }
        }
        genai::Error::ChatResponse { body, .. } => of_event(body),
        genai::Error::StreamParse { serde_error, .. } => {
            ModelError::BadReply(format!("the stream is not JSON: {serde_error}"))
        }
        // The rest are questions that could not be put, or answers that could not be read.
        other => ModelError::BadReply(short(&other.to_string())),
    }
}

fn chain(error: &(dyn std::error::Error + 'static), first: &str) -> String {
    let mut message = first.to_owned();
    let mut source = error.source();
    while let Some(inner) = source {
        message = format!("{message}: {inner}");
        source = inner.source();
    }
    message
}

/// Kinds of errors in a body, by the words that providers use, with what they are. Looked at before
/// the status: some answer 400 to everything.
const WORDS: &[(&str, Kind)] = &[
    ("context_length_exceeded", Kind::OutOfContext),
    ("prompt is too long", Kind::OutOfContext),
    ("maximum context length", Kind::OutOfContext),
    ("exceeds the available context size", Kind::OutOfContext),
    ("exceeds the maximum number of tokens", Kind::OutOfContext),
    ("invalid_api_key", Kind::Auth),
    ("authentication_error", Kind::Auth),
    ("permission_error", Kind::Auth),
    ("api key not valid", Kind::Auth),
    ("insufficient_quota", Kind::RateLimited),
    ("credit balance is too low", Kind::RateLimited),
    ("rate_limit_error", Kind::RateLimited),
    ("model_not_found", Kind::UnknownModel),
    ("overloaded_error", Kind::Overloaded),
    ("content_filter", Kind::Refused),
    ("content_policy_violation", Kind::Refused),
];

/// Statuses with what they are; the first row whose range holds one counts.
const STATUS: &[(std::ops::RangeInclusive<u16>, Kind)] = &[
    (401..=401, Kind::Auth),
    (403..=403, Kind::Auth),
    (404..=404, Kind::UnknownModel),
    (408..=408, Kind::Overloaded),
    (413..=413, Kind::OutOfContext),
    (402..=402, Kind::RateLimited),
    (429..=429, Kind::RateLimited),
    (400..=499, Kind::BadRequest),
    (500..=599, Kind::Overloaded),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Auth,
    UnknownModel,
    RateLimited,
    Overloaded,
    Refused,
    OutOfContext,
    BadRequest,
    BadReply,
}

fn of_status(status: u16, body: &str, retry_after_ms: Option<u64>) -> ModelError {
    let kind = by_words(body)
        .or_else(|| {
            let row = STATUS.iter().find(|(range, _)| range.contains(&status));
            row.map(|(_, kind)| *kind)
        })
        .unwrap_or(Kind::BadReply);
    let message = format!("{status} {}", said(body));
    made(kind, short(message.trim()), retry_after_ms)
}

fn of_event(body: &Value) -> ModelError {
    let text = body.to_string();
    let kind = by_words(&text).unwrap_or(Kind::Overloaded);
    made(kind, short(&said(&text)), None)
}

fn by_words(body: &str) -> Option<Kind> {
    let lower = body.to_ascii_lowercase();
    let row = WORDS.iter().find(|(words, _)| lower.contains(words));
    row.map(|(_, kind)| *kind)
}

fn made(kind: Kind, message: String, retry_after_ms: Option<u64>) -> ModelError {
    match kind {
        Kind::Auth => ModelError::Auth(message),
        Kind::UnknownModel => ModelError::UnknownModel(message),
        Kind::RateLimited => ModelError::RateLimited {
            message,
            retry_after_ms,
        },
        Kind::Overloaded => ModelError::Overloaded {
            message,
            retry_after_ms,
        },
        Kind::Refused => ModelError::Refused(message),
        Kind::OutOfContext => ModelError::OutOfContext(message),
        Kind::BadRequest => ModelError::BadRequest(message),
        Kind::BadReply => ModelError::BadReply(message),
    }
}

/// The sentence in an error's body.
fn said(body: &str) -> String {
    let value: Value = serde_json::from_str(body).unwrap_or_default();
    let value = if value.is_array() { &value[0] } else { &value };
    for pointer in ["/error/message", "/message", "/error", "/detail"] {
        if let Some(Value::String(text)) = value.pointer(pointer) {
            return text.clone();
        }
    }
    body.trim().to_owned()
}

/// One line of bounded length.
pub(super) fn short(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST_MESSAGE + 1)
        .collect();
    match line.char_indices().nth(LONGEST_MESSAGE) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_of_the_status_table_is_reached() {
        for (range, kind) in STATUS {
            let own = range.clone().find(|status| {
                let first = STATUS.iter().find(|(r, _)| r.contains(status));
                first.is_some_and(|(r, _)| r == range)
            });
            let error = own.map(|status| of_status(status, "", None));
            let expected = made(*kind, String::new(), None);
            assert_eq!(
                error.map(|e| e.code()),
                Some(expected.code()),
                "{range:?} is hidden by an earlier row"
            );
        }
        assert_eq!(of_status(302, "", None).code(), "bad_reply");
    }

    #[test]
    fn each_row_of_words_is_reached_whatever_the_status() {
        for (words, kind) in WORDS {
            let body = format!("{{\"error\": {{\"message\": \"x\", \"type\": \"{words}\"}}}}");
            let expected = made(*kind, String::new(), None);
            assert_eq!(
                of_status(400, &body, None).code(),
                expected.code(),
                "{words}"
            );
        }
    }

    #[test]
    fn the_sentence_in_an_error_is_found() {
        for body in [
            r#"{"error": {"message": "No."}}"#,
            r#"[{"error": {"message": "No.", "code": 400}}]"#,
            r#"{"error": "No."}"#,
            r#"{"message": "No."}"#,
            r#"{"detail": "No."}"#,
            "No.\n",
        ] {
            assert_eq!(said(body), "No.", "{body}");
        }
    }

    #[test]
    fn a_message_is_one_line_of_bounded_length() {
        assert_eq!(short("a\nb\x1b[31m"), "a b [31m");
        assert_eq!(
            short(&"ü".repeat(1_000)).chars().count(),
            LONGEST_MESSAGE + 1
        );
    }
}
