//! Comparisons as text.

use crate::compare::Row;
use crate::quiet::is_skipped;
use crate::runner::{Comparison, Source};
use crate::script::Stated;
use std::io::{self, Write};

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
