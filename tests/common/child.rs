//! Tests that need a process of their own: this executable again, with the name of the role
//! that it plays there in a variable.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;

use super::{DEADLINE, within_deadline};

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
    command(test, role, variables).output().unwrap()
}

fn command(test: &str, role: &str, variables: &[(&str, &OsStr)]) -> Command {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([test, "--exact", "--nocapture"]);
    for variable in ["FAILPOINTS", "FAILPOINTS_SEED", "FAILPOINTS_WAIT_DEADLINE"] {
        child.env_remove(variable);
    }
    // Nobody reads where a child panicked, and to find the lines of it takes longer than the child.
    child.env("RUST_BACKTRACE", "0");
    child.env(ROLE, role).envs(variables.iter().copied());
    child
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

/// A child that is still running.
pub(crate) struct Running {
    child: Child,
    stderr: mpsc::Receiver<String>,
    read: Vec<String>,
}

/// As [`run`], without waiting for the end: the child ends once [`told_to_go_on`] says so.
pub(crate) fn start(test: &str, role: &str, variables: &[(&str, &OsStr)]) -> Running {
    let mut child = command(test, role, variables);
    child.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.stdout(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let (sender, stderr) = mpsc::channel();
    std::thread::spawn(move || {
        for line in lines {
            let _ = sender.send(line.unwrap());
        }
    });
    Running {
        child,
        stderr,
        read: Vec::new(),
    }
}

/// In a child: waits for the parent.
pub(crate) fn told_to_go_on() {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
}

impl Running {
    /// Waits until a line on standard error has all of `parts`.
    #[track_caller]
    pub(crate) fn until_it_says(&mut self, parts: &[&str]) {
        let has_all = |line: &String| parts.iter().all(|part| line.contains(part));
        while !self.read.iter().any(has_all) {
            match self.stderr.recv_timeout(DEADLINE) {
                Ok(line) => self.read.push(line),
                Err(e) => panic!("no line has {parts:?}: {e}, {:#?}", self.read),
            }
        }
    }

    /// Lets it go on, which it has to do [once](told_to_go_on) for each call.
    pub(crate) fn tell_to_go_on(&mut self) {
        let mut stdin = self.child.stdin.as_ref().unwrap();
        stdin.write_all(b"\n").unwrap();
    }

    /// Waits until it has ended, and returns what was on its standard error.
    pub(crate) fn end(mut self) -> Vec<String> {
        self.tell_to_go_on();
        self.read.extend(self.stderr.iter());
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {:#?}", self.read);
        std::mem::take(&mut self.read)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // If it has ended already, there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
