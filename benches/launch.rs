//! `cargo bench`: runs the package in this folder, which has the peers among its
//! dependencies, so that nothing else here has to build them.
//!
//! `cargo test --bench peers -- --test` only sees that each row runs, in a build that is not optimized
//! and has most of what it needs from the tests.

use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/Cargo.toml");
    // Cargo says `--bench` to every benchmark.
    let arguments = std::env::args_os().skip(1).filter(|a| a != "--bench");
    let profile = if cfg!(debug_assertions) {
        "dev"
    } else {
        "release"
    };
    let status = Command::new(cargo)
        .args(["run", "--profile", profile, "--quiet", "--bin", "peers"])
        .args(["--manifest-path", manifest, "--"])
        .args(arguments)
        .status();
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        // What a missed demand ends with, among others.
        Ok(status) => match status.code().map(u8::try_from) {
            Some(Ok(code)) => ExitCode::from(code),
            _ => ExitCode::FAILURE,
        },
        Err(e) => {
            eprintln!("error: cannot start cargo: {e}");
            ExitCode::from(2)
        }
    }
}
