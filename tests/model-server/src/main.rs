//! `deputy-model-server SCRIPT.json`: the scripted provider as a program. It prints its address and
//! serves until it is stopped; what breaks a rule is printed on standard error.

use deputy_model_server::{ModelServer, Script};
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        return failed("usage: deputy-model-server SCRIPT.json");
    };
    let script = match std::fs::read_to_string(&path) {
        Ok(text) => Script::from_json(&text),
        Err(error) => return failed(&format!("{path}: {error}")),
    };
    let server = match script {
        Ok(script) => ModelServer::start(script).await,
        Err(error) => return failed(&format!("{path}: {error}")),
    };
    let server = match server {
        Ok(server) => server,
        Err(error) => return failed(&error.to_string()),
    };
    // Whoever started this reads the address; without a reader there is nobody to serve.
    if writeln!(std::io::stdout(), "{}", server.url()).is_err() {
        return ExitCode::FAILURE;
    }
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        for violation in server.take_violations() {
            let _ = writeln!(std::io::stderr(), "violation: {violation}");
        }
    }
}

fn failed(message: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "{message}");
    ExitCode::from(2)
}
