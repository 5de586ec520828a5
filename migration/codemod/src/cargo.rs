//! Cargo, run in the folder of a workspace.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::error::Error;
use crate::paths::real;

/// What takes long.
#[derive(Debug, Clone, Copy)]
pub enum Step<'a> {
    /// These packages are checked.
    Checking(&'a str),
    /// Cargo waits for another Cargo: its words.
    Waiting(&'a str),
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Checking(what) => write!(f, "checking {what} .."),
            Step::Waiting(words) => {
                write!(
                    f,
                    "another Cargo is at work, an editor's perhaps: {words} .."
                )
            }
        }
    }
}

/// Told of each step.
pub type Tell = fn(Step<'_>);

/// Cargo, run where the workspace of this manifest is, whose `.cargo/config.toml` and
/// toolchain it is to find.
pub(crate) fn command(root: &Path) -> Command {
    let mut command = Command::new(program());
    command.stdin(Stdio::null());
    if let Some(folder) = root.parent().map(real).filter(|folder| folder.is_dir()) {
        command.current_dir(folder);
    }
    command
}

fn program() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"))
}

/// Runs Cargo to its end, and says so where it waits for another one: that may last.
pub(crate) fn output(command: &mut Command, tell: Tell) -> Result<Output, Error> {
    run(command, tell).map_err(|error| {
        Error::new(format!(
            "cannot run {}: {error}; `--no-check` rewrites without it",
            program().to_string_lossy()
        ))
    })
}

fn run(command: &mut Command, tell: Tell) -> io::Result<Output> {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (out, words) = (child.stdout.take(), child.stderr.take());
    let words = std::thread::spawn(move || {
        let mut all = Vec::new();
        let mut words = words.map(BufReader::new);
        while let Some(words) = &mut words {
            let from = all.len();
            if words.read_until(b'\n', &mut all)? == 0 {
                break;
            }
            let line = String::from_utf8_lossy(all.get(from..).unwrap_or_default());
            if status(&line) == Some("Blocking") {
                tell(Step::Waiting(line.trim()));
            }
        }
        io::Result::Ok(all)
    });
    let mut stdout = Vec::new();
    if let Some(mut out) = out {
        out.read_to_end(&mut stdout)?;
    }
    let words = words.join();
    Ok(Output {
        status: child.wait()?,
        stdout,
        stderr: words.unwrap_or_else(|_| Ok(Vec::new()))?,
    })
}

/// What Cargo said, without how far it was.
pub(crate) fn words(output: &Output) -> String {
    let words = String::from_utf8_lossy(&output.stderr);
    let words = words.lines().filter(|line| status(line).is_none());
    words.collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// The verb of a line that only says how far Cargo is: it ends in the twelfth column.
fn status(line: &str) -> Option<&str> {
    let (verb, rest) = line.split_at_checked(12)?;
    let verb = verb.trim_start();
    let is_verb = verb.starts_with(char::is_uppercase) && verb.chars().all(char::is_alphabetic);
    (is_verb && rest.starts_with(' ')).then_some(verb)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_say_how_far_cargo_is_are_told_from_the_others() {
        let waits = "    Blocking waiting for file lock on build directory\n";
        assert_eq!(status(waits), Some("Blocking"));
        assert_eq!(status("   Compiling a v0.1.0"), Some("Compiling"));
        for line in [
            "error: no matching package named `a` found",
            "  --> Cargo.toml:12:3",
            "    candidate versions found which didn't match: 1.0.0",
            "required by package `a v0.1.0 (/a)`",
            "Caused by:",
            "",
        ] {
            assert_eq!(status(line), None, "{line}");
        }
    }
}
