//! The report as a table for people.

use std::fmt::Write as _;

use crate::report::{Report, SiteReport};

/// What has become of the sites that can be rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tense {
    /// They can be.
    Can,
    /// They were.
    Was,
}

/// The longest line that a terminal gets: what is longer goes on in a line of its own.
pub const FOLDED: usize = 120;

/// The whole table. Lines longer than `fold` are folded; without it, each site has one line.
#[must_use]
pub fn table(report: &Report, tense: Tense, fold: Option<usize>) -> String {
    let mut text = String::new();
    let rewritten = match tense {
        Tense::Can => "can be rewritten",
        Tense::Was => "rewritten",
    };
    let mut notes: Vec<&str> = Vec::new();
    for count in &report.crates {
        let _ = writeln!(
            text,
            "{}: {}, {} already awaiting, {} {rewritten}, {} left",
            count.name,
            plural(count.sites, "failpoint"),
            count.done,
            count.rewritable,
            count.left
        );
        let sites = report.sites.iter();
        let mut sites: Vec<&SiteReport> =
            sites.filter(|site| site.package == count.package).collect();
        sites.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        for site in &sites {
            notes.extend(site.note.filter(|note| !notes.contains(note)));
        }
        // Narrow columns where the width counts: each file has its own.
        let same = |a: &&SiteReport, b: &&SiteReport| fold.is_none() || a.file == b.file;
        for sites in sites.chunk_by(same) {
            rows(&mut text, sites, rewritten, &notes, fold);
        }
    }
    if report.crates.is_empty() {
        text.push_str("no failpoints\n");
    } else if report.crates.len() > 1 {
        let left: usize = report.crates.iter().map(|count| count.left).sum();
        let done: usize = report.crates.iter().map(|count| count.done).sum();
        let _ = writeln!(
            text,
            "all: {}, {done} already awaiting, {} {rewritten}, {left} left",
            plural(report.sites.len(), "failpoint"),
            report.rewritable()
        );
    }
    for (note, number) in notes.iter().zip(1..) {
        let _ = writeln!(text, "[{number}] {note}");
    }
    text
}

/// A line for each site, in columns.
fn rows(
    text: &mut String,
    sites: &[&SiteReport],
    rewritten: &str,
    notes: &[&str],
    fold: Option<usize>,
) {
    let width = |of: fn(&SiteReport) -> usize| sites.iter().map(|s| of(s)).max().unwrap_or(0);
    let places = width(|site| place(site).chars().count());
    let names = width(|site| name(site).chars().count());
    let macros = width(|site| macro_path(site).chars().count());
    let forms = width(|site| site.form.chars().count());
    let contexts = width(|site| site.context.chars().count());
    for site in sites {
        let number = notes.iter().position(|note| site.note == Some(note));
        let what = match (site.status, &site.reason) {
            ("done", _) => "awaits already".to_owned(),
            ("rewrite", _) => match number {
                Some(number) => format!("{rewritten} [{}]", number + 1),
                None => rewritten.to_owned(),
            },
            (_, reason) => format!("left: {}", reason.as_deref().unwrap_or_default()),
        };
        let columns = format!(
            "  {:places$}  {:names$}  {:macros$}  {:forms$}  {:contexts$}",
            place(site),
            name(site),
            macro_path(site),
            site.form,
            site.context,
        );
        let length = columns.chars().count() + 2 + what.chars().count();
        if fold.is_some_and(|fold| length > fold) {
            let _ = writeln!(text, "{}\n      {what}", columns.trim_end());
        } else {
            let _ = writeln!(text, "{columns}  {what}");
        }
        if site.async_callers.is_empty() {
            continue;
        }
        let (before, between) = match fold {
            Some(_) => ("      ".to_owned(), ",\n        "),
            None => (" ".repeat(places + 4), ", "),
        };
        let callers = site.async_callers.join(between);
        let _ = writeln!(
            text,
            "{before}called, by name, from async code in {callers}"
        );
    }
}

/// Files that were not understood, and the notes.
#[must_use]
pub fn remarks(report: &Report) -> String {
    let mut text = String::new();
    let mut others = 0;
    for file in &report.unparsed {
        if !file.mentions_failpoints && others == 10 {
            continue;
        }
        others += usize::from(!file.mentions_failpoints);
        let _ = writeln!(
            text,
            "{}:{}:{}: does not parse, left alone: {}",
            file.file, file.line, file.column, file.message
        );
    }
    let total = report.unparsed.iter();
    let total = total.filter(|file| !file.mentions_failpoints).count();
    if total > others {
        let _ = writeln!(
            text,
            "{} more that mention no failpoint do not parse; `--json` names them",
            plural(total - others, "file")
        );
    }
    for file in &report.unreadable {
        let _ = writeln!(text, "{}: cannot be read: {}", file.file, file.message);
    }
    for note in &report.notes {
        let _ = writeln!(text, "{note}");
    }
    text
}

fn place(site: &SiteReport) -> String {
    format!("{}:{}", site.file, site.line)
}

/// The name on one line.
fn name(site: &SiteReport) -> String {
    let name = site.name.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.chars().count() > 48 {
        let short: String = name.chars().take(47).collect();
        format!("{short}…")
    } else {
        name
    }
}

/// The macro's path; a long one without its middle.
fn macro_path(site: &SiteReport) -> String {
    let path = &site.macro_path;
    let ends = path.split_once("::").zip(path.rsplit_once("::"));
    match ends {
        Some(((head, _), (front, name))) if front != head && path.chars().count() > 32 => {
            format!("{head}::…::{name}")
        }
        _ => path.clone(),
    }
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}
