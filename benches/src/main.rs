//! What failpoints cost: neon_failpoint beside `fail` 0.5.1, `fail-parallel` 0.6.0 and
//! what cannot be undercut, all in one run.
//!
//! `cargo bench` runs every row, `cargo bench -- idle armed` some. Each row says what
//! is demanded; `--check` makes a missed demand an error.

mod rows;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use neon_failpoint_benches::measure::Effort;
use neon_failpoint_benches::report::{Bar, Line};

/// What failpoints cost, beside `fail`, `fail-parallel` and what cannot be undercut.
#[derive(Debug, Parser)]
#[command(name = "cargo bench --")]
struct Options {
    /// The rows to run: all, unless some are named.
    rows: Vec<String>,
    /// List the rows and end.
    #[arg(long)]
    list: bool,
    /// End with status 1 if a demand is missed.
    #[arg(long)]
    check: bool,
    /// Run everything once and briefly; only what is the same in every run is demanded.
    #[arg(long)]
    test: bool,
    /// Write what was measured to this file, for `charts`.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(code) => code,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<ExitCode, String> {
    if options.list {
        for row in rows::ALL {
            println!("{:<12} {}", row.name, row.about);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let effort = if options.test {
        Effort::Smoke
    } else {
        Effort::Full
    };
    let mut measured = Vec::new();
    let mut missed = Vec::new();
    for row in selected(&options.rows)? {
        println!("\n{}: {}", row.name, row.about);
        let lines = (row.run)(effort).map_err(|e| format!("row {}: {e}", row.name))?;
        for line in &lines {
            println!("{line}");
            let demanded = |b: &&Bar| !b.is_met() && (b.exact || !options.test);
            let where_ = |b| format!("{}, {}: {b}", row.name, line.work);
            missed.extend(line.bars.iter().filter(demanded).map(where_));
        }
        measured.push((row.name, lines));
    }
    if let Some(file) = &options.json {
        write(file, &measured)?;
    }
    println!();
    if missed.is_empty() {
        match options.test {
            true => println!("every demand is met that is the same in every run"),
            false => println!("every demand is met"),
        }
        return Ok(ExitCode::SUCCESS);
    }
    println!("missed:");
    for miss in &missed {
        println!("  {miss}");
    }
    let is_error = options.check || options.test;
    Ok(ExitCode::from(u8::from(is_error)))
}

fn selected(names: &[String]) -> Result<Vec<&'static rows::Row>, String> {
    if names.is_empty() {
        return Ok(rows::ALL.iter().collect());
    }
    let find = |name: &String| {
        rows::ALL
            .iter()
            .find(|row| row.name == name)
            .ok_or_else(|| {
                let known: Vec<_> = rows::ALL.iter().map(|row| row.name).collect();
                format!(
                    "there is no row {name:?}: the rows are {}",
                    known.join(", ")
                )
            })
    };
    names.iter().map(find).collect()
}

fn write(file: &PathBuf, measured: &[(&str, Vec<Line>)]) -> Result<(), String> {
    let text = serde_json::to_string_pretty(measured).map_err(|e| e.to_string())?;
    std::fs::write(file, text).map_err(|e| format!("cannot write {}: {e}", file.display()))
}
