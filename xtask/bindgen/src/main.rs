//! `xtask-bindgen WASM FOLDER`: the JavaScript and types of a WebAssembly module, beside the module
//! as browsers take it. Called by `cargo xtask web`.

#![allow(clippy::print_stderr)]

use std::process::ExitCode;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (Some(wasm), Some(folder)) = (args.next(), args.next()) else {
        eprintln!("xtask-bindgen WASM FOLDER");
        return ExitCode::from(2);
    };
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(&wasm)
        .out_name("core")
        .typescript(true)
        .remove_name_section(true)
        .remove_producers_section(true);
    let made = { bindgen.web(true) }.and_then(|bindgen| bindgen.generate(&folder));
    match made {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("no JavaScript can be made of {wasm}: {error:#}");
            ExitCode::FAILURE
        }
    }
}
