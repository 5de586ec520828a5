//! Runs script files on two implementations, compares, and prints what came of it.

use crate::compare::{Row, compare};
use crate::cursor::SyntaxError;
use crate::process::{Answers, Implementation, Starter};
use crate::quiet::is_skipped;
use crate::script::{Script, Stated};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, thread};

/// A script and where it comes from.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file's path, or a name in its place.
    pub name: String,
    /// The text.
    pub text: String,
    /// The text, parsed.
    pub script: Script,
}

/// Returns the folder of this package's scripts.
pub fn scripts_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts")
}

impl Source {
    /// Parses a text.
    ///
    /// # Errors
    ///
    /// If it is not a script.
    pub fn new(name: &str, text: &str) -> Result<Self, SyntaxError> {
        let script = Script::parse(name, text)?;
        Ok(Self {
            name: name.to_owned(),
            text: text.to_owned(),
            script,
        })
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// If it cannot be read or is not a script.
    pub fn read(path: &Path) -> io::Result<Self> {
        let name = path
            .strip_prefix(scripts_folder())
            .unwrap_or(path)
            .display()
            .to_string();
        let text = fs::read_to_string(path).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        })?;
        Self::new(&name, &text).map_err(io::Error::other)
    }

    /// Reads every script of a folder, in the order of their names.
    ///
    /// # Errors
    ///
    /// If one cannot be read or is not a script.
    pub fn read_all(folder: &Path) -> io::Result<Vec<Self>> {
        let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
        let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "fp"));
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    /// Returns the line with this number.
    pub fn line(&self, number: usize) -> &str {
        self.text.lines().nth(number - 1).unwrap_or_default().trim()
    }

    /// Runs the script in a process of its own.
    ///
    /// # Errors
    ///
    /// If the process cannot be started.
    pub fn run(&self, starter: &Starter, on: Implementation) -> io::Result<Answers> {
        let mut process = starter.start(on, self.script.environment.as_deref())?;
        Ok(process.run(&self.text))
    }
}

/// A script's answers on both sides.
#[derive(Clone, Debug)]
pub struct Comparison<'a> {
    /// The script.
    pub source: &'a Source,
    /// One row per step.
    pub rows: Vec<Row>,
}

impl Comparison<'_> {
    /// Returns the first row that is not as expected.
    pub fn first_difference(&self) -> Option<&Row> {
        self.rows.iter().find(|row| !row.good)
    }
}

/// The answers of one implementation to some scripts.
///
/// # Errors
///
/// If a process cannot be started.
pub fn answers(
    starter: &Starter,
    sources: &[Source],
    on: Implementation,
) -> io::Result<Vec<Answers>> {
    in_parallel(sources, |source| source.run(starter, on))
        .into_iter()
        .collect()
}

/// Runs scripts on `fail` and on what is compared with it.
///
/// # Errors
///
/// If a process cannot be started.
pub fn run_all<'a>(
    starter: &Starter,
    sources: &'a [Source],
    against: Implementation,
) -> io::Result<Vec<Comparison<'a>>> {
    let real = answers(starter, sources, Implementation::Real)?;
    let ours = answers(starter, sources, against)?;
    let sides = sources.iter().zip(real.iter().zip(&ours));
    let compared = sides.map(|(source, (real, ours))| Comparison {
        source,
        rows: compare(&source.script, real, ours),
    });
    Ok(compared.collect())
}

/// Writes one line per script, and the first difference if there is one; returns whether there is
/// none.
///
/// # Errors
///
/// If the output cannot be written.
pub fn print_summary(out: &mut impl Write, comparisons: &[Comparison<'_>]) -> io::Result<bool> {
    let names = comparisons
        .iter()
        .map(|comparison| comparison.source.name.len());
    let width = names.max().unwrap_or(0);
    let mut differing = 0;
    for comparison in comparisons {
        let Comparison { source, rows } = comparison;
        let difference = comparison.first_difference();
        let verdict = match difference {
            Some(_) => "DIFFERS",
            None if rows.iter().any(|row| is_skipped(&row.ours)) => {
                "same, as far as this system can tell"
            }
            None if source.script.is_deviation() => "deviates, as stated",
            None => "same",
        };
        writeln!(
            out,
            "{:width$}  {:3} answers  {verdict}",
            source.name,
            rows.len()
        )?;
        if let Some(row) = difference {
            differing += 1;
            print_row(out, source, row)?;
        }
    }
    writeln!(out, "{} scripts, {differing} differ", comparisons.len())?;
    Ok(differing == 0)
}

/// Writes every answer.
///
/// # Errors
///
/// If the output cannot be written.
pub fn print_answers(out: &mut impl Write, comparisons: &[Comparison<'_>]) -> io::Result<()> {
    for Comparison { source, rows } in comparisons {
        writeln!(out, "{}", source.name)?;
        for row in rows {
            print_row(out, source, row)?;
        }
    }
    Ok(())
}

fn print_row(out: &mut impl Write, source: &Source, row: &Row) -> io::Result<()> {
    let Row {
        line,
        real,
        ours,
        stated,
        good,
    } = row;
    let mark = if *good { ' ' } else { '!' };
    writeln!(out, "{mark} {line:3}  {}", source.line(*line))?;
    if real == ours {
        writeln!(out, "         both: {real}")?;
    } else {
        writeln!(out, "         real: {real}\n         ours: {ours}")?;
    }
    match stated {
        Some(Stated::Both(both)) if !good => writeln!(out, "       stated: {both}"),
        Some(Stated::Each { real, ours }) if !good => {
            writeln!(
                out,
                "       stated: real: {real}\n               ours: {ours}"
            )
        }
        _ => Ok(()),
    }
}

/// Applies `f` to each item, on as many threads as there are processors.
pub(crate) fn in_parallel<T: Sync, R: Send>(items: &[T], f: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(BTreeMap::new());
    let work = || {
        while let Some((index, item)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            items.get(index).map(|item| (index, item))
        } {
            let result = f(item);
            results
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner())
                .insert(index, result);
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let results = results
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    results.into_values().collect()
}
