//! `deputy restore`: a backup in the database's place.

use super::{Exit, print};
use crate::clock::{Clock, SystemClock};
use crate::store::Store;
use crate::store::restore::{self, Restoration};
use deputy_protocol::ErrorBody;
use std::io::{self, Write};
use std::path::Path;

/// Puts a backup in the database's place. The present database is kept beside it.
pub(super) fn restore(home: &Path, file: &Path, json: bool) -> Exit {
    let failed = |what: &str, e: &dyn std::fmt::Display| {
        ErrorBody::new(
            "restore",
            format!("{what}: {e}; the present data was not changed"),
            "check the path; stop the agent first",
        )
    };
    let restored = { Store::lock(home) }
        .map_err(|e| failed("the data directory cannot be used", &e))
        .and_then(|lock| {
            restore::restore(&lock, home, file, SystemClock.now())
                .map_err(|e| failed("the backup was not restored", &e))
        });
    let Restoration { kept, mark } = match restored {
        Ok(restoration) => restoration,
        Err(error) => return print::error(&error, json, Exit::Failed),
    };
    let mut message = "Restored.".to_owned();
    if let Some(kept) = kept {
        message += &format!(" The database before it is kept as {}.", kept.display());
    }
    message += if mark.carried_over {
        " What was done since the backup was made is known from that one, and is not done again."
    } else {
        " What was done since the backup was made is not known."
    };
    message += " At its next start Deputy holds all automations and asks before it goes on.";
    let _ = if json {
        let document = serde_json::json!({"id": "restore", "message": message,
            "carried_over": mark.carried_over, "until": mark.until});
        writeln!(io::stdout(), "{document}")
    } else {
        writeln!(io::stdout(), "{message}")
    };
    Exit::Done
}
