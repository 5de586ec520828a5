//! `failpoint-migrate`: reads the command line, runs the command, ends with its status.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use failpoint_migrate::cargo::Step;
use failpoint_migrate::cli::{Cli, Command, Rewrite, Scan};
use failpoint_migrate::decide::{NotSend, Wishes};
use failpoint_migrate::error::Error;
use failpoint_migrate::farewell;
use failpoint_migrate::files::Change;
use failpoint_migrate::git;
use failpoint_migrate::project::Project;
use failpoint_migrate::report::Report;
use failpoint_migrate::rewrite::Rewriting;
use failpoint_migrate::scan;
use failpoint_migrate::shim;
use failpoint_migrate::table::{self, Tense};
use failpoint_migrate::tree::Tree;
use failpoint_migrate::wrappers;
use indicatif::{ProgressBar, ProgressStyle};

/// `--check` found something to rewrite.
const FOUND: u8 = 1;
/// Nothing was done: the usage, a file, the tree's state.
const TROUBLE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::read();
    // Parsers recurse: deep nesting needs more than the main thread's stack.
    let thread = std::thread::Builder::new().stack_size(256 << 20);
    let run = thread.spawn(move || run(&cli));
    match run.map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        // The panic has said what it was.
        Ok(Err(_)) => ExitCode::from(TROUBLE),
        Err(error) => {
            note(&format!(
                "failpoint-migrate: cannot start a thread: {error}\n"
            ));
            ExitCode::from(TROUBLE)
        }
    }
}

fn run(cli: &Cli) -> ExitCode {
    let result = match &cli.command {
        Command::Scan(scan) => run_scan(scan),
        Command::Rewrite(rewrite) => run_rewrite(rewrite),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "failpoint-migrate: {error}");
            ExitCode::from(TROUBLE)
        }
    }
}

fn run_scan(options: &Scan) -> Result<ExitCode, Error> {
    let wishes = options.common.wishes()?;
    let project = read(Tree::walk(&options.common.paths)?, &wishes);
    let report = scan::scan(&project, &wishes);
    print(&report, options.common.json, Tense::Can)?;
    Ok(ended(&report))
}

fn run_rewrite(options: &Rewrite) -> Result<ExitCode, Error> {
    let mut wishes = options.common.wishes()?;
    if options.no_check && wishes.not_send == NotSend::Tried {
        // Nobody would say whether it went well.
        wishes.not_send = NotSend::Left;
    }
    let tree = Tree::walk(&options.common.paths)?;
    let dry = options.diff || options.check;
    if !dry {
        // That need not wait for the sources.
        refuse(&shim::unswapped_in_all(&tree.packages))?;
    }
    let project = read(tree, &wishes);
    let mut rewriting = Rewriting::new(&project, &wishes, !options.no_manifest);
    let mut draft = rewriting.draft()?;
    let mut notes = rewriting.unswapped(&draft);
    if !dry && !draft.changes.is_empty() {
        refuse(&notes)?;
        if !options.allow_dirty {
            notes = refuse_dirty(&options.common.paths)?;
        }
        let features = options.check_features();
        rewriting.tell = if io::stderr().is_terminal() {
            |step| note(&format!("{step}\n"))
        } else {
            |step| {
                if let Step::Waiting(_) = step {
                    note(&format!("{step}\n"));
                }
            }
        };
        draft = rewriting.make(draft, (!options.no_check).then_some(&features))?;
    }
    let mut report = Report::of(&project, &draft.decisions);
    report
        .notes
        .extend(wrappers::notes(&project, &wishes, &draft.decisions, !dry));
    report.notes.extend(notes);
    report.notes.extend(draft.advice);
    report
        .notes
        .extend(farewell::notes(&project, &draft.decisions, &draft.changes));
    if options.diff && !options.common.json {
        say(&diff(&draft.changes))?;
        note(&table::remarks(&report));
    } else {
        let tense = if dry { Tense::Can } else { Tense::Was };
        print(&report, options.common.json, tense)?;
    }
    if options.check && report.rewritable() > 0 {
        return Ok(ExitCode::from(FOUND));
    }
    Ok(ended(&report))
}

/// A file that does not parse is no failure; one that cannot be read is.
fn ended(report: &Report) -> ExitCode {
    if report.unreadable.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(TROUBLE)
    }
}

fn read(tree: Tree, wishes: &Wishes) -> Project {
    let bar = if io::stderr().is_terminal() {
        ProgressBar::new(0)
    } else {
        ProgressBar::hidden()
    };
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} files") {
        bar.set_style(style);
    }
    let mut wrappers: Vec<String> = wishes.wrappers.keys().cloned().collect();
    wrappers.extend(wishes.wrappers.values().flatten().cloned());
    let project = Project::of(tree, &wrappers, &|done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    project
}

/// An error where what stands in for `fail` is not in place.
fn refuse(unswapped: &[String]) -> Result<(), Error> {
    match unswapped {
        [] => Ok(()),
        words => Err(Error::new(format!(
            "{}\nnothing was changed",
            words.join("\n")
        ))),
    }
}

/// An error where there are uncommitted changes; a note where nobody can tell.
fn refuse_dirty(paths: &[PathBuf]) -> Result<Vec<String>, Error> {
    let mut notes = Vec::new();
    for path in paths {
        match git::state(path) {
            git::State::Clean => {}
            git::State::Unknown(why) => {
                notes.push(format!("{}: not compared with git: {why}", path.display()));
            }
            git::State::Refused(words) => {
                return Err(Error::new(format!(
                    "git cannot say whether {} has uncommitted changes, so nothing was changed: \
                     {words}; mend that, or give `--allow-dirty`",
                    path.display()
                )));
            }
            git::State::Dirty(files) => {
                let some: Vec<&str> = files.iter().take(5).map(String::as_str).collect();
                let more = if files.len() > 5 { ", .." } else { "" };
                return Err(Error::new(format!(
                    "{} has uncommitted changes ({}{more}), so nothing was changed: \
                     commit or stash them, or give `--allow-dirty`",
                    path.display(),
                    some.join(", ")
                )));
            }
        }
    }
    Ok(notes)
}

fn print(report: &Report, json: bool, tense: Tense) -> Result<(), Error> {
    if json {
        let text = serde_json::to_string_pretty(report)
            .map_err(|error| Error::new(format!("cannot write the report: {error}")))?;
        return say(&(text + "\n"));
    }
    let fold = io::stdout().is_terminal().then_some(table::FOLDED);
    say(&table::table(report, tense, fold))?;
    note(&table::remarks(report));
    Ok(())
}

fn diff(changes: &[Change]) -> String {
    let mut text = String::new();
    for change in changes {
        let path = change.path.display().to_string().replace('\\', "/");
        let path = path.trim_start_matches("./").trim_start_matches('/');
        let diff = similar::TextDiff::from_lines(&change.before, &change.after);
        let (old, new) = (format!("a/{path}"), format!("b/{path}"));
        text.push_str(&diff.unified_diff().header(&old, &new).to_string());
    }
    text
}

/// To standard output. A reader that went away is no error.
fn say(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::new(format!("cannot write the report: {error}")))
        }
        _ => Ok(()),
    }
}

fn note(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}
