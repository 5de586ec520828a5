//! Runs random scripts on both implementations and shrinks one that differs.

use crate::compare::compare;
use crate::coverage::Coverage;
use crate::process::{Answers, Implementation, Process, Starter};
use crate::random::{ENVIRONMENT, scripts};
use crate::script::Script;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::PathBuf;

/// How many random scripts to run, and against what.
#[derive(Clone, Debug)]
pub struct Fuzz {
    /// The number of scripts.
    pub scripts: u32,
    /// The same seed draws the same scripts.
    pub seed: u64,
    /// What is compared with the real crate.
    pub against: Implementation,
    /// Where a script that differs is written.
    pub write_to: PathBuf,
}

/// The outcome of a run.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// How often each task and verb occurred.
    pub coverage: Coverage,
    /// The first difference, with the shrunk script, which is also written to a file.
    pub difference: Option<String>,
}

impl Fuzz {
    /// Takes the number of scripts from `COMPAT_RANDOM_SCRIPTS`, or else 2,000, and the seed from
    /// `COMPAT_RANDOM_SEED`, or else 1.
    pub fn from_environment() -> Self {
        Self {
            scripts: number("COMPAT_RANDOM_SCRIPTS", 2_000) as u32,
            seed: number("COMPAT_RANDOM_SEED", 1),
            against: Implementation::Ours,
            write_to: std::env::temp_dir().join("compat-tests-difference.fp"),
        }
    }

    /// Runs the scripts, up to the first that differs.
    ///
    /// # Errors
    ///
    /// If a process cannot be started or the script cannot be written.
    pub fn run(&self, starter: &Starter) -> io::Result<Outcome> {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        let config = Config {
            cases: self.scripts,
            failure_persistence: None,
            max_shrink_iters: 2_000,
            max_shrink_time: 120_000,
            ..Config::default()
        };
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let pair = RefCell::new(Pair::new(starter, self.against));
        let outcome = RefCell::new(Outcome::default());
        let result = TestRunner::new_with_rng(config, rng).run(&scripts(), |script| {
            let answers = pair
                .borrow_mut()
                .run(&script)
                .map_err(|e| TestCaseError::fail(e.to_string()))?;
            let coverage = &mut outcome.borrow_mut().coverage;
            coverage.add_script(&script);
            answers
                .real
                .answers
                .iter()
                .for_each(|answer| coverage.add_answer(answer));
            answers
                .difference(&script)
                .map_or(Ok(()), |text| Err(TestCaseError::fail(text)))
        });
        let mut outcome = outcome.into_inner();
        match result {
            Ok(()) => {}
            Err(TestError::Abort(reason)) => return Err(io::Error::other(reason.to_string())),
            Err(TestError::Fail(reason, script)) => {
                outcome.difference = Some(self.write(&script, &reason.to_string())?);
            }
        }
        Ok(outcome)
    }

    fn write(&self, script: &Script, reason: &str) -> io::Result<String> {
        fs::write(&self.write_to, script.to_string())?;
        Ok(format!(
            "{reason}\n{} has the script:\n{script}",
            self.write_to.display()
        ))
    }
}

fn number(variable: &str, otherwise: u64) -> u64 {
    let value = std::env::var(variable).ok();
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or(otherwise)
}

/// A process of each implementation, restarted when one has hung or died.
struct Pair<'a> {
    starter: &'a Starter,
    against: Implementation,
    running: Option<(Process, Process)>,
}

/// What both sides answered.
struct Both {
    real: Answers,
    ours: Answers,
}

impl<'a> Pair<'a> {
    fn new(starter: &'a Starter, against: Implementation) -> Self {
        Self {
            starter,
            against,
            running: None,
        }
    }

    fn run(&mut self, script: &Script) -> io::Result<Both> {
        let (mut real, mut ours) = match self.running.take() {
            Some(running) => running,
            None => (self.start(Implementation::Real)?, self.start(self.against)?),
        };
        let text = script.to_string();
        let mut both = Both::run(&mut real, &mut ours, &text);
        if both.real.alive && both.ours.alive {
            // An empty script makes each clean up: one that hangs there differs.
            let end = Both::run(&mut real, &mut ours, "");
            both.real.append(end.real);
            both.ours.append(end.ours);
        }
        if both.real.alive && both.ours.alive {
            self.running = Some((real, ours));
        }
        Ok(both)
    }

    fn start(&self, implementation: Implementation) -> io::Result<Process> {
        self.starter
            .start(implementation, Some(ENVIRONMENT.as_bytes()))
    }
}

impl Both {
    /// Makes both run a script; both get it before either is waited for.
    fn run(real: &mut Process, ours: &mut Process, text: &str) -> Self {
        let told = (real.tell(text), ours.tell(text));
        Self {
            real: real.answers(told.0),
            ours: ours.answers(told.1),
        }
    }

    fn difference(&self, script: &Script) -> Option<String> {
        let rows = compare(script, &self.real, &self.ours);
        let index = rows.iter().position(|row| !row.good)?;
        let row = &rows[index];
        let real = format!("real: {}", row.real);
        Some(format!(
            "step {} differs\n{real}\nours: {}",
            index + 1,
            row.ours
        ))
    }
}
