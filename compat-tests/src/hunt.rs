//! Which script catches which broken variant.

use crate::compare::compare;
use crate::mutants::Mutant;
use crate::process::{Answers, Implementation, Starter};
use crate::runner::{Source, answers, in_parallel};
use std::io::{self, Write};

/// A broken variant and the scripts that notice.
#[derive(Clone, Debug)]
pub struct Catch {
    /// How the replacement was broken.
    pub mutant: Mutant,
    /// The scripts that notice, each with the first line at which it does.
    pub caught_by: Vec<(String, usize)>,
}

/// Runs the scripts against every broken variant: all scripts, or, if one witness per variant is
/// `enough`, until one notices.
///
/// # Errors
///
/// If a process cannot be started.
pub fn hunt(starter: &Starter, sources: &[Source], enough: bool) -> io::Result<Vec<Catch>> {
    let real = answers(starter, sources, Implementation::Real)?;
    let limit = if enough { 1 } else { usize::MAX };
    let hunt_one = |mutant: &Mutant| {
        let sides = sources.iter().zip(&real);
        let caught = sides.map(|(source, real)| notices(starter, source, real, *mutant));
        let caught_by = caught
            .filter_map(Result::transpose)
            .take(limit)
            .collect::<Result<_, _>>();
        Ok(Catch {
            mutant: *mutant,
            caught_by: caught_by?,
        })
    };
    in_parallel(&Mutant::ALL, hunt_one).into_iter().collect()
}

/// Whether a script notices that the replacement is broken, and where.
fn notices(
    starter: &Starter,
    source: &Source,
    real: &Answers,
    mutant: Mutant,
) -> io::Result<Option<(String, usize)>> {
    let broken = source.run(starter, Implementation::Mutant(mutant))?;
    let rows = compare(&source.script, real, &broken);
    let difference = rows.iter().find(|row| !row.good);
    Ok(difference.map(|row| (source.name.clone(), row.line)))
}

/// Writes the broken variants and what caught them; returns whether all were caught.
///
/// # Errors
///
/// If the output cannot be written.
pub fn print_catches(out: &mut impl Write, catches: &[Catch]) -> io::Result<bool> {
    for Catch { mutant, caught_by } in catches {
        let shown: Vec<_> = caught_by
            .iter()
            .map(|(name, line)| format!("{name}:{line}"))
            .collect();
        match shown.len() {
            0 => writeln!(out, "{mutant}: NOT CAUGHT")?,
            1..=6 => writeln!(out, "{mutant}: caught by {}", shown.join(", "))?,
            count => {
                writeln!(
                    out,
                    "{mutant}: caught by {} and {} more",
                    shown[..5].join(", "),
                    count - 5
                )?;
            }
        }
    }
    Ok(catches.iter().all(|catch| !catch.caught_by.is_empty()))
}
