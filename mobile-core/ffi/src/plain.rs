//! What records are made of: times, JSON, and sets of words that a newer agent may add to.

use deputy_protocol::time;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(time::Time);

impl Time {
    pub(crate) fn from_ms(ms: i64) -> Self {
        Self(time::Time(ms))
    }
}

uniffi::custom_type!(Time, i64, {
    lower: |time| time.0.0,
    try_lift: |ms| Ok(Time::from_ms(ms)),
});

/// A JSON document as text, where what is in it is nobody's to say beforehand: the arguments of a
/// call, what a script returned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json(pub(crate) Value);

uniffi::custom_type!(Json, String, {
    lower: |json| json.0.to_string(),
    try_lift: |text| Ok(Json(serde_json::from_str(&text)?)),
});

impl Json {
    /// Text at a path; `None` when there is none.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        let found = self.0.pointer(path)?.as_str()?;
        (!found.is_empty()).then(|| found.to_owned())
    }
}

/// A set of words of the agent's. A word of a newer agent is not an error.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, uniffi::Enum)]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
            /// Something that an agent newer than the app says.
            Other {
                /// Its word for it.
                word: String,
            },
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                match word.as_str() {
                    $($word => Self::$variant,)+
                    _ => Self::Other { word },
                }
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                match value {
                    $($name::$variant => $word.to_owned(),)+
                    $name::Other { word } => word,
                }
            }
        }
    };
}

pub(crate) use words;
