//! The process that runs scripts on one implementation: it reads them from its input, each after a
//! line with its length, and answers line by line.

use crate::api::{Fail, Ours, Real};
use crate::compare::is_skipped;
use crate::events;
use crate::interpreter::{Frame, clean_up};
use crate::mutants::{self, Mutant, Mutated};
use crate::script::Script;
use crate::threads::Threads;
use std::fmt::{self, Display, Formatter};
use std::io::{self, BufRead, Read, Write};
use std::str::FromStr;

/// What a child runs scripts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Implementation {
    /// `fail` 0.5.1.
    Real,
    /// Its replacement.
    Ours,
    /// A broken variant of the replacement.
    Mutant(Mutant),
}

impl Display for Implementation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Real => f.write_str("real"),
            Self::Ours => f.write_str("ours"),
            Self::Mutant(mutant) => mutant.fmt(f),
        }
    }
}

impl FromStr for Implementation {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = [Self::Real, Self::Ours].into_iter();
        let mut all = all.chain(Mutant::ALL.into_iter().map(Self::Mutant));
        let found = all.find(|implementation| implementation.to_string() == name);
        found.ok_or_else(|| format!("no implementation is called {name:?}"))
    }
}

/// The line after a script's last answer.
pub(crate) const END: &str = "end";
/// The beginning of an answer's line.
pub(crate) const ANSWER: &str = "= ";

/// Runs scripts from standard input until it ends.
///
/// # Errors
///
/// If the parent is gone.
pub fn serve(implementation: Implementation) -> io::Result<()> {
    match implementation {
        Implementation::Real => serve_on::<Real>(),
        Implementation::Ours => serve_on::<Ours>(),
        Implementation::Mutant(mutant) => {
            mutants::choose(mutant);
            serve_on::<Mutated>()
        }
    }
}

fn serve_on<F: Fail>() -> io::Result<()> {
    events::listen::<F>();
    let mut input = io::stdin().lock();
    // Cleaned up only before another script: a process may run one script that leaves nothing
    // usable behind.
    let mut last: Option<Frame<F>> = None;
    loop {
        let mut length = String::new();
        if input.read_line(&mut length)? == 0 {
            return Ok(());
        }
        let length = length.trim().parse().map_err(io::Error::other)?;
        let mut text = vec![0; length];
        input.read_exact(&mut text)?;
        let text = String::from_utf8(text).map_err(io::Error::other)?;
        let script = Script::parse("input", &text).map_err(io::Error::other)?;
        if let Some(frame) = last.take() {
            clean_up(frame);
        }
        last = Some(run(&script)?);
    }
}

fn run<F: Fail>(script: &Script) -> io::Result<Frame<F>> {
    let mut frame = Frame::<F>::new(Threads::default());
    for step in &script.steps {
        let answer = events::during(|| frame.run(&step.statement));
        say(&format!("{ANSWER}{answer}"))?;
        if is_skipped(&answer) {
            break;
        }
    }
    say(END)?;
    Ok(frame)
}

fn say(line: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()
}
