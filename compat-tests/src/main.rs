//! Runs scripts against `fail` and its replacement and prints what differs.

#![forbid(unsafe_code)]

use clap::{Parser, Subcommand};
use compat_tests::{Fuzz, Implementation, Source, Starter};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Run the same scripts against `fail` 0.5.1 and against its replacement.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Scripts to run and to show in full; without any, all of this package's.
    files: Vec<PathBuf>,
    /// Print the table of `fail`'s surface, in Markdown, and run nothing.
    #[arg(long)]
    table: bool,
    /// Run against broken variants of the replacement and print what catches
    /// each.
    #[arg(long, conflicts_with = "table")]
    mutants: bool,
    /// Run random scripts; COMPAT_RANDOM_SCRIPTS and COMPAT_RANDOM_SEED say
    /// how many and which.
    #[arg(long, conflicts_with_all = ["table", "mutants"])]
    random: bool,
    /// What random scripts compare with the real crate: ours, or the name of a
    /// broken variant.
    #[arg(long, requires = "random", default_value = "ours")]
    against: Implementation,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer scripts from the standard input.
    #[command(hide = true)]
    Child {
        /// The implementation to run them on.
        implementation: Implementation,
    },
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Nothing is left to try if this fails too.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::from(2)
        }
    }
}

/// Does what the arguments say; returns whether everything is as expected.
fn run(arguments: &Arguments) -> io::Result<bool> {
    if let Some(Command::Child { implementation }) = &arguments.command {
        return compat_tests::serve(*implementation).map(|()| true);
    }
    let starter = Starter::new(std::env::current_exe()?);
    let out = &mut io::stdout().lock();
    if arguments.random {
        return random(out, &starter, arguments.against);
    }
    let sources = if arguments.files.is_empty() {
        Source::read_all(&compat_tests::scripts_folder())?
    } else {
        arguments
            .files
            .iter()
            .map(|path| Source::read(path))
            .collect::<io::Result<_>>()?
    };
    if arguments.table {
        return compat_tests::print_table(out, &sources).map(|()| true);
    }
    if arguments.mutants {
        let catches = compat_tests::hunt(&starter, &sources, false)?;
        return compat_tests::print_catches(out, &catches);
    }
    let comparisons = compat_tests::run_all(&starter, &sources, Implementation::Ours)?;
    if !arguments.files.is_empty() {
        compat_tests::print_answers(out, &comparisons)?;
    }
    compat_tests::print_summary(out, &comparisons)
}

/// Runs random scripts; returns whether none differs.
fn random(out: &mut impl Write, starter: &Starter, against: Implementation) -> io::Result<bool> {
    let fuzz = Fuzz {
        against,
        ..Fuzz::from_environment()
    };
    let start = Instant::now();
    let outcome = fuzz.run(starter)?;
    let seconds = start.elapsed().as_secs_f64();
    if let Some(difference) = outcome.difference {
        writeln!(out, "{difference}")?;
        return Ok(false);
    }
    writeln!(
        out,
        "{} scripts from seed {} in {seconds:.1} s",
        fuzz.scripts, fuzz.seed
    )?;
    writeln!(out, "{}", outcome.coverage)?;
    Ok(outcome.coverage.missing().is_empty())
}
