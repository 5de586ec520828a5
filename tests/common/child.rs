//! Tests that need a process of their own: this executable again, with the name of the role
//! that it plays there in a variable.

use std::ffi::OsStr;
use std::process::{Command, Output};

use super::within_deadline;

const ROLE: &str = "NEON_FAILPOINT_TEST_ROLE";

/// The role of this process, if it is a child.
pub(crate) fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// In a child: plays its role, and ends the process if that hangs.
pub(crate) fn play(roles: &[(&str, fn())]) {
    if let Some(role) = role() {
        let found = roles.iter().find(|(name, _)| *name == role);
        within_deadline(&role, found.expect("a known role").1);
    }
}

/// Runs `test`, with its path in the binary, as `role`. Of the library's variables the child has
/// these only.
pub(crate) fn run(test: &str, role: &str, variables: &[(&str, &OsStr)]) -> Output {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([test, "--exact", "--nocapture"]);
    child.env_remove("FAILPOINTS").env_remove("FAILPOINTS_SEED");
    child.env(ROLE, role).envs(variables.iter().copied());
    child.output().unwrap()
}

/// Says something to the parent.
pub(crate) fn say(what: impl std::fmt::Display) {
    println!("said: {what}");
}

/// What a child said. The harness prints on these lines, too.
pub(crate) fn said(output: &Output) -> Vec<String> {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let said = stdout.lines().filter_map(|line| line.split_once("said: "));
    said.map(|(_, said)| said.to_owned()).collect()
}
