//! Whether a tree has uncommitted changes.

use std::path::Path;
use std::process::{Command, Stdio};

/// What git says of a folder.
#[derive(Debug, PartialEq, Eq)]
pub enum State {
    /// All is committed.
    Clean,
    /// These files have changes; the first few.
    Dirty(Vec<String>),
    /// There is no repository, or no git: nothing to compare with.
    Unknown(String),
    /// There is a repository, and git does not answer: its words.
    Refused(String),
}

/// Asks git about the repository around `path`.
#[must_use]
pub fn state(path: &Path) -> State {
    let folder = if path.is_dir() {
        path
    } else {
        match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        }
    };
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["status", "--porcelain"])
        // Its words are compared; it need not write down what it finds.
        .env("LC_ALL", "C")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .output();
    match output {
        Err(error) => State::Unknown(format!("git cannot be run: {error}")),
        Ok(output) if !output.status.success() => {
            let words = String::from_utf8_lossy(&output.stderr);
            if words.contains("not a git repository") {
                return State::Unknown("it is not in a git repository".to_owned());
            }
            let first = words.lines().find(|line| !line.trim().is_empty());
            State::Refused(first.unwrap_or("it ends with an error").trim().to_owned())
        }
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout);
            let files: Vec<String> = text
                .lines()
                .filter_map(|line| line.get(3..).map(str::to_owned))
                .collect();
            if files.is_empty() {
                State::Clean
            } else {
                State::Dirty(files)
            }
        }
    }
}
