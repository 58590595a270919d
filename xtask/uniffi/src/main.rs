//! `xtask-uniffi LIBRARY FOLDER`: Swift, Kotlin and Python for a library that uniffi describes, each in a
//! folder of its own. Called by `cargo xtask bindings`.

#![allow(clippy::print_stderr)]

use camino::Utf8PathBuf;
use std::process::ExitCode;
use uniffi::{GenerateOptions, TargetLanguage, generate};

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).map(Utf8PathBuf::from);
    let (Some(library), Some(folder)) = (args.next(), args.next()) else {
        eprintln!("xtask-uniffi LIBRARY FOLDER");
        return ExitCode::from(2);
    };
    let languages = [
        ("swift", TargetLanguage::Swift),
        ("kotlin", TargetLanguage::Kotlin),
        ("python", TargetLanguage::Python),
    ];
    for (name, language) in languages {
        let made = generate(GenerateOptions {
            languages: vec![language],
            source: library.clone(),
            out_dir: folder.join(name),
            // Formatters are the apps' own; here they may be missing.
            format: false,
            ..GenerateOptions::default()
        });
        if let Err(error) = made {
            eprintln!("no {name} can be made of {library}: {error:#}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
