//! `migration/README.md`, carried out.
//!
//! Beside a copy of this repository, called `neon_failpoint` as in the guide, stands a copy of
//! the sample project, a git repository of its own, so that nothing in the guide has to be
//! replaced. Its blocks are taken in order:
//!
//! | block | what is done |
//! |---|---|
//! | `diff` | applied to the files that it names; what it takes away has to be there once |
//! | `sh` | each command is run in the project, and ends with 0 or with the `# status N` behind it |
//! | `text` | is what the commands before wrote; `...` stands for any text, and alone for any lines |
//! | `rust` | stands in a test of this repository, word for word |
//! | any other | fails |
//!
//! `<!-- project: NAME -->` changes to another project of the sample. What was run and what it
//! wrote is kept in `guide/transcript.txt` of the tests' folder. A shell, git and perl are needed,
//! as for the guide itself.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common;

mod pages;
use pages::{Item, Page};

/// The projects of the sample, in the order of the guide.
const PROJECTS: [&str; 2] = ["depot", "vendored"];

/// The test whose code the guide shows.
const SHOWN: &str = "tests/scopes/fail_parallel/store.rs";

/// For this platform only: what others need may never have been downloaded.
const METADATA: &str = "cargo metadata --format-version 1 \
     --filter-platform $(rustc -vV | sed -n 's/^host: //p')";

#[test]
fn every_block_of_the_guide_does_what_it_says() {
    let page = Page::read(&common::workspace().join("migration/README.md"));
    let mut walk = Walk::begin();
    for item in &page.items {
        walk.take(item);
    }
    walk.end();
    names_what_was_run(&page, &walk);
    each_stage_ends_with_tests(&page);
    the_tests_were_all_there(&walk);
    the_table_has_the_reasons(&page, &walk);
}

/// Commands in the prose were run in a block.
fn names_what_was_run(page: &Page, walk: &Walk) {
    for (line, code) in &page.spans {
        let (tool, rest) = code.split_once(' ').unwrap_or_default();
        let is_command = ["cargo", "git", "failpoint-migrate", "perl"].contains(&tool);
        if is_command && !rest.starts_with('=') {
            let run = walk.runs.iter().any(|(command, _)| command.contains(code));
            assert!(run, "line {line}: `{code}` is not in a block that is run");
        }
    }
}

/// The last thing that changes files in a stage is followed by the tests, both ways.
fn each_stage_ends_with_tests(page: &Page) {
    let mut stages = 0;
    for (title, items) in page.sections() {
        if !title.starts_with("Stage ") {
            continue;
        }
        stages += 1;
        let mut untested: BTreeSet<&str> = BTreeSet::new();
        let mut committed = BTreeSet::new();
        for item in items {
            let commands = match item {
                Item::Diff { .. } => {
                    untested = TESTS.into();
                    continue;
                }
                Item::Sh { commands, .. } => commands,
                _ => continue,
            };
            for command in commands {
                let has = |words: &[&str]| words.iter().any(|word| command.code().contains(word));
                if has(&["perl", "echo", "rewrite"]) && !has(&["--check", "--diff"]) {
                    untested = TESTS.into();
                }
                untested.retain(|test| command.code() != *test);
                if has(&["git commit"]) {
                    committed = untested.clone();
                } else if has(&["git checkout"]) {
                    untested = committed.clone();
                }
            }
        }
        assert!(
            untested.is_empty(),
            "{title}: ends without a run of {untested:?}"
        );
    }
    assert_eq!(stages, 4);
}

const TESTS: [&str; 2] = [
    "cargo test --workspace",
    "cargo test --workspace --features failpoints",
];

/// No stage lost a test of the sample on the way.
fn the_tests_were_all_there(walk: &Walk) {
    for (command, said) in &walk.runs {
        let least = match command.as_str() {
            "cargo test --workspace" => 3,
            "cargo test --workspace --features failpoints" => 15,
            _ => continue,
        };
        let results = said.lines();
        let results = results.filter_map(|line| line.strip_prefix("test result: ok. "));
        let passed = results.filter_map(|line| line.split(' ').next()?.parse::<usize>().ok());
        assert!(passed.sum::<usize>() >= least, "{command}:\n{said}");
    }
}

/// Every reason that a report gave is a row of the guide's table, and the other way round.
fn the_table_has_the_reasons(page: &Page, walk: &Walk) {
    let rows = page.column_of("what the report says");
    assert!(!rows.is_empty(), "there is no table of reasons");
    let said: BTreeSet<&str> = walk
        .runs
        .iter()
        .flat_map(|(_, said)| said.lines())
        .filter_map(|line| line.split_once("  left: "))
        .map(|(_, reason)| reason)
        .collect();
    let is = |row: &str, reason: &str| pages::matches_line(row, reason);
    for reason in &said {
        let known = rows.iter().any(|row| is(row, reason));
        assert!(known, "the guide does not say what to do about: {reason}");
    }
    for row in &rows {
        let seen = said.iter().any(|reason| is(row, reason));
        assert!(
            seen,
            "the sample has no failpoint that is left because: {row}"
        );
    }
}

/// Without the lines about another Cargo, whose lock this one waited for.
fn without_waits(said: &str) -> String {
    let is_wait = |line: &&str| {
        line.trim_start()
            .starts_with("Blocking waiting for file lock")
    };
    said.split_inclusive('\n')
        .filter(|line| !is_wait(line))
        .collect()
}

/// The guide on its way.
struct Walk {
    root: PathBuf,
    project: PathBuf,
    offline: bool,
    /// What the last block of commands wrote.
    output: String,
    transcript: String,
    /// The commands of the guide, and what each wrote.
    runs: Vec<(String, String)>,
}

impl Walk {
    /// Makes the copies, as they are before the first block.
    fn begin() -> Walk {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guide");
        let workspace = common::workspace();
        pages::mirror(&workspace, &root.join("neon_failpoint"));
        let mut walk = Walk {
            project: root.join(PROJECTS[0]),
            root,
            offline: true,
            output: String::new(),
            transcript: String::new(),
            runs: Vec::new(),
        };
        for name in PROJECTS {
            walk.project = walk.root.join(name);
            let _ = fs::remove_dir_all(&walk.project);
            pages::mirror(
                &workspace.join("migration/sample").join(name),
                &walk.project,
            );
            fs::copy(
                workspace.join("Cargo.lock"),
                walk.project.join("Cargo.lock"),
            )
            .expect("the lock file can be copied");
            if name == "vendored" {
                walk.vendor();
            }
            walk.settle();
            for command in [
                "git init --quiet --initial-branch main",
                "git config user.name reader",
                "git config user.email reader@localhost",
                "git config commit.gpgsign false",
                "git add --all",
                "git commit --quiet --message before",
                "git tag before",
            ] {
                let (status, said) = walk.run(command);
                assert_eq!(status, Some(0), "{command}: {said}");
            }
        }
        walk.project = walk.root.join(PROJECTS[0]);
        walk
    }

    /// Puts the published `fail` where somebody keeps a copy of it: the one that the project
    /// before this one was built with.
    fn vendor(&mut self) {
        let (_, said) = self.run(&format!("{METADATA} --manifest-path ../depot/Cargo.toml"));
        let mut strings = said.split('"').map(|path| path.replace("\\\\", "/"));
        let manifest = strings.find(|path| path.ends_with("/fail-0.5.1/Cargo.toml"));
        let manifest = PathBuf::from(manifest.expect("the published crate"));
        let published = manifest.parent().expect("a manifest is in a folder");
        pages::mirror(published, &self.project.join("third_party/fail"));
    }

    /// Leaves in the lock file what the project needs. Where Cargo has not fetched all of it,
    /// from here on it may.
    fn settle(&mut self) {
        let (status, _) = self.run(METADATA);
        if status != Some(0) {
            self.offline = false;
            let (status, said) = self.run(METADATA);
            assert_eq!(status, Some(0), "{said}");
        }
    }

    fn take(&mut self, item: &Item) {
        match item {
            Item::Title(_) => {}
            Item::Project { line, name } => {
                self.project = self.root.join(name);
                assert!(self.project.is_dir(), "line {line}: no project {name}");
            }
            Item::Diff { line, text } => {
                self.transcript.push_str(text);
                if let Err(trouble) = pages::apply(text, &self.project) {
                    panic!("line {line}: {trouble}");
                }
            }
            Item::Sh { line, commands } => {
                self.output.clear();
                for command in commands {
                    let (status, said) = self.run(&command.text);
                    assert_eq!(
                        status,
                        Some(command.status),
                        "line {line}: {}\n{said}",
                        command.text
                    );
                    self.output.push_str(&said);
                    self.runs.push((command.code().to_owned(), said));
                }
            }
            Item::Text { line, text } => {
                let (expected, output) = (text.trim_end(), self.output.trim_end());
                let strange = pages::strange(expected, output);
                assert!(
                    pages::matches(expected, output),
                    "line {line}: the guide says {strange:?}, and it was\n{output}"
                );
            }
            Item::Rust { line, text } => {
                let test = common::read(&common::workspace().join(SHOWN));
                assert!(
                    test.contains(text.as_str()),
                    "line {line}: this is not in {SHOWN}"
                );
            }
        }
    }

    /// A command in the project: its status, and what it wrote.
    fn run(&mut self, command: &str) -> (Option<i32>, String) {
        let program = Path::new(env!("CARGO_BIN_EXE_failpoint-migrate"));
        let folder = program.parent().expect("a program is in a folder");
        let old = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&old));
        let mut shell = Command::new("sh");
        shell
            .arg("-c")
            .arg(format!("exec 2>&1\n{command}\n"))
            .current_dir(&self.project)
            .env("PATH", std::env::join_paths(path).expect("a path"))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("CARGO_NET_OFFLINE", self.offline.to_string())
            .env("CARGO_TERM_COLOR", "never");
        // A folder in which no other test of this program builds: Cargo would say that it waits.
        // The tests of the shim, which ran before, have built there what a project needs.
        common::builds_in("target", &mut shell);
        // What this Cargo, this git or this shell were told is not for the reader's.
        for variable in [
            "RUSTDOCFLAGS",
            "FAILPOINTS",
            "FAILPOINTS_SEED",
            "GIT_DIR",
            "GIT_WORK_TREE",
            "GIT_INDEX_FILE",
        ] {
            shell.env_remove(variable);
        }
        let output = common::bounded(shell);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = said.replace(&*self.root.to_string_lossy(), "/home/you");
        let said = without_waits(&said);
        self.transcript.push_str(&format!("$ {command}\n{said}"));
        let _ = fs::write(self.root.join("transcript.txt"), &self.transcript);
        (output.status.code(), said)
    }

    fn end(&mut self) {
        let (_, said) = self.run("git status --porcelain");
        assert_eq!(said, "", "the last project has changes");
    }
}
