//! Running Cargo on packages of their own, which the tests write or keep beside them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the shim.
pub(crate) const SHIM: &str = env!("CARGO_MANIFEST_DIR");

/// A folder for what a test writes; Cargo's, so that `cargo clean` removes it.
pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Runs `cargo` with these arguments on the package of `folder`, offline if what it
/// needs is there, and returns all it says. It has to succeed.
///
/// The target folder is one that they share and the outer Cargo does not use: it holds a lock on
/// its own.
pub(crate) fn cargo(package: &Path, arguments: &[&str]) -> String {
    cargo_in("target", package, arguments)
}

/// The same with a target folder for what shares nothing with the others: it need not wait for them.
pub(crate) fn cargo_in(target: &str, package: &Path, arguments: &[&str]) -> String {
    let run = |offline: bool| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(arguments).current_dir(package);
        cargo.env("CARGO_TARGET_DIR", folder(target));
        cargo.env("CARGO_NET_OFFLINE", offline.to_string());
        // Only a debugger or a next build would read the rest.
        cargo.env("CARGO_PROFILE_DEV_DEBUG", "0");
        cargo.env("CARGO_INCREMENTAL", "0");
        // What the outer Cargo and its test set would change the inner one.
        for variable in ["RUSTFLAGS", "RUSTDOCFLAGS", "FAILPOINTS", "FAILPOINTS_SEED"] {
            cargo.env_remove(variable);
        }
        let output = cargo.output().expect("cargo can be started");
        let said = [output.stdout, output.stderr].map(|b| String::from_utf8_lossy(&b).into_owned());
        (output.status.success(), said.concat())
    };
    let (succeeded, said) = run(true);
    if succeeded {
        return said;
    }
    let (succeeded, said) = run(false);
    assert!(
        succeeded,
        "cargo {arguments:?} in {}:\n{said}",
        package.display()
    );
    said
}

/// The sum of what `cargo test` says it passed.
pub(crate) fn passed(said: &str) -> usize {
    let results = said
        .lines()
        .filter_map(|l| l.trim().strip_prefix("test result: ok. "));
    let numbers = results.filter_map(|l| l.split(' ').next()?.parse::<usize>().ok());
    numbers.sum()
}
