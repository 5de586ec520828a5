//! A process that runs scripts on one implementation. Its parent writes them to its input, each after
//! a line with its length; it answers line by line. Both ends stand here: the child's, then the
//! parent's.

use crate::api::{Fail, Ours, Real, begin_scope};
use crate::events;
use crate::interpreter::{Frame, clean_up};
use crate::mutants::{self, Mutant, Mutated};
use crate::quiet::{self, is_skipped};
use crate::script::Script;
use std::ffi::OsString;
use std::fmt::{self, Display, Formatter};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::str::FromStr;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// What a child runs scripts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Implementation {
    /// `fail` 0.5.1.
    Real,
    /// Its replacement.
    Ours,
    /// Its replacement, inside a scope.
    Scoped,
    /// A broken variant of the replacement.
    Mutant(Mutant),
}

impl Display for Implementation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Real => f.write_str("real"),
            Self::Ours => f.write_str("ours"),
            Self::Scoped => f.write_str("scoped"),
            Self::Mutant(mutant) => mutant.fmt(f),
        }
    }
}

impl FromStr for Implementation {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = [Self::Real, Self::Ours, Self::Scoped].into_iter();
        let mut all = all.chain(Mutant::ALL.into_iter().map(Self::Mutant));
        let found = all.find(|implementation| implementation.to_string() == name);
        found.ok_or_else(|| format!("no implementation is called {name:?}"))
    }
}

/// The line after a script's last answer.
const END: &str = "end";
/// The beginning of an answer's line.
const ANSWER: &str = "= ";

/// Runs scripts from standard input until it ends.
///
/// # Errors
///
/// If the parent is gone.
pub fn serve(implementation: Implementation) -> io::Result<()> {
    match implementation {
        Implementation::Real => serve_on::<Real>(),
        Implementation::Ours => serve_on::<Ours>(),
        Implementation::Scoped => {
            begin_scope();
            serve_on::<Ours>()
        }
        Implementation::Mutant(mutant) => {
            mutants::choose(mutant);
            serve_on::<Mutated>()
        }
    }
}

fn serve_on<F: Fail>() -> io::Result<()> {
    events::listen::<F>();
    let _stay = F::enter();
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
    let mut frame = Frame::<F>::default();
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

/// The answer of a step that never ended.
pub const HANGS: &str = "hangs";
/// The answer of a step during which the process ended.
pub const DIED: &str = "died";

/// How long a working child may be silent.
const DEADLINE: Duration = Duration::from_secs(90);
/// How often a silent child is checked.
const INTERVAL: Duration = Duration::from_millis(50);

/// What a script's steps answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// One answer per step, up to one that hung or died, which may also be the end of the script.
    pub answers: Vec<String>,
    /// Whether the process can run another script.
    pub alive: bool,
}

impl Answers {
    /// Adds those of another script, run after this one.
    pub(crate) fn append(&mut self, other: Self) {
        self.answers.extend(other.answers);
        self.alive &= other.alive;
    }
}

/// How to start children.
#[derive(Clone, Debug)]
pub struct Starter {
    /// The binary of this package.
    pub program: PathBuf,
    /// How long all threads of a silent child sleep before it counts as hung:
    /// longer than any `sleep` of a script.
    pub patience: Duration,
}

impl Starter {
    /// Starts children as `program child IMPLEMENTATION`.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            patience: Duration::from_secs(3),
        }
    }

    /// Starts a child with this value of `FAILPOINTS`.
    ///
    /// # Errors
    ///
    /// If the system does not allow it.
    pub fn start(
        &self,
        implementation: Implementation,
        environment: Option<&[u8]>,
    ) -> io::Result<Process> {
        let mut command = Command::new(&self.program);
        command
            .arg("child")
            .arg(implementation.to_string())
            .env_remove("FAILPOINTS")
            // Until it has said who waits for too long, the watch of waits does not sleep for long either.
            .env("FAILPOINTS_WAIT_DEADLINE", "2s");
        if let Some(value) = environment {
            command.env("FAILPOINTS", os_string(value)?);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?);
        let (sender, lines) = mpsc::channel();
        // Ends with the child's output.
        thread::spawn(move || {
            output
                .lines()
                .map_while(Result::ok)
                .try_for_each(|l| sender.send(l))
        });
        Ok(Process {
            child,
            input,
            lines,
            patience: self.patience,
        })
    }
}

#[cfg(unix)]
fn os_string(value: &[u8]) -> io::Result<OsString> {
    use std::os::unix::ffi::OsStringExt;
    Ok(OsString::from_vec(value.to_vec()))
}

#[cfg(not(unix))]
fn os_string(value: &[u8]) -> io::Result<OsString> {
    let text = String::from_utf8(value.to_vec()).map_err(io::Error::other)?;
    Ok(text.into())
}

/// A running child; killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    patience: Duration,
}

impl Drop for Process {
    fn drop(&mut self) {
        // Either fails only if the child has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    /// Runs a script and waits for its answers.
    pub fn run(&mut self, text: &str) -> Answers {
        let told = self.tell(text);
        self.answers(told)
    }

    /// Sends a script.
    pub(crate) fn tell(&mut self, text: &str) -> io::Result<()> {
        let input = self.input.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        write!(input, "{}\n{text}", text.len())?;
        input.flush()
    }

    /// Waits for the answers to a script; `told` says whether the process got it.
    pub(crate) fn answers(&mut self, told: io::Result<()>) -> Answers {
        let mut answers = Vec::new();
        let ended = |answers| Answers {
            answers,
            alive: false,
        };
        if told.is_err() {
            answers.push(DIED.to_owned());
            return ended(answers);
        }
        loop {
            match self.line() {
                Ok(line) if line == END => {
                    return Answers {
                        answers,
                        alive: true,
                    };
                }
                Ok(line) => answers.push(line.trim_start_matches(ANSWER).to_owned()),
                Err(end) => {
                    answers.push(end.to_owned());
                    return ended(answers);
                }
            }
        }
    }

    /// Returns the next line, or an error if there will be none.
    fn line(&self) -> Result<String, &'static str> {
        let process = self.child.id().to_string();
        let start = Instant::now();
        let mut asleep_since = start;
        let mut last = None;
        loop {
            match self.lines.recv_timeout(INTERVAL) {
                Ok(line) => return Ok(line),
                Err(RecvTimeoutError::Disconnected) => return Err(DIED),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = Instant::now();
            let look = quiet::look(&process, None);
            if look.is_none() || look != last {
                asleep_since = now;
            }
            last = look;
            if now - asleep_since >= self.patience || now - start >= DEADLINE {
                return Err(HANGS);
            }
        }
    }
}
