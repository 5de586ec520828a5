//! A project's own macros around failpoints: those that `--macro` names, and those that it
//! could name.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::{Decision, Fate, Wishes, is_implicit};
use crate::facts::{Kind, MacroDefinition};
use crate::project::{File, Project};
use crate::reason::Reason;

/// Macros whose calls are listed without being named.
const KNOWN: [&str; 4] = [
    "fail_point",
    "async_fail_point",
    "pausable_failpoint",
    "sleep_millis_async",
];

/// What can be said of them. `made`: the decisions were carried out.
#[must_use]
pub fn notes(
    project: &Project,
    wishes: &Wishes,
    decisions: &[Vec<Decision>],
    made: bool,
) -> Vec<String> {
    let mut notes = Vec::new();
    for name in wishes.wrappers.keys() {
        let gone = if made {
            going(project, decisions, name)
        } else {
            0
        };
        let calls = calls(project, name).saturating_sub(gone);
        match definition(project, name) {
            None if calls == 0 && gone == 0 => notes.push(format!(
                "`--macro {name}`: nothing in the given paths calls `{name}!`"
            )),
            Some(place) if calls == 0 => notes.push(format!(
                "nothing in the given paths calls `{name}!` any more: its definition ({place}) can go"
            )),
            _ => {}
        }
    }
    notes.extend(gates(project, decisions));
    for (name, place) in unnamed(project, wishes, decisions) {
        let calls = match calls(project, &name) {
            0 => continue,
            1 => "1 call of it is".to_owned(),
            several => format!("{several} calls of it are"),
        };
        notes.push(format!(
            "`{name}!` ({place}) has a failpoint in it, and {calls} not listed: \
             give `--macro {name}`"
        ));
    }
    notes
}

/// Macros of the project that ask for a feature of their callers, in whose place come those of
/// the native crate, which ask for none.
fn gates(project: &Project, decisions: &[Vec<Decision>]) -> Vec<String> {
    let sites = project.files.iter().flat_map(|file| &file.facts.sites);
    let sites = sites.zip(decisions.iter().flatten());
    let going = sites.filter(|(site, decision)| {
        matches!(site.kind, Kind::Pausable | Kind::SleepMillis)
            && matches!(decision.fate, Fate::Rewrite(_))
            && !is_implicit(&decision.resolved)
    });
    let names: BTreeSet<&String> = going.filter_map(|(site, _)| site.path.last()).collect();
    let mut gated: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for name in names {
        let found = project.files.iter().find_map(|file| {
            let mut macros = file.facts.macros.iter().filter(|m| m.name == *name);
            let definition = macros.find(|m| m.gate.is_some())?;
            Some((definition.gate.as_deref()?, place(file, definition)))
        });
        if let Some((feature, place)) = found {
            gated
                .entry(feature)
                .or_default()
                .push(format!("`{name}!` ({place})"));
        }
    }
    let notes = gated.into_iter().map(|(feature, macros)| {
        format!(
            "the feature `{feature}` of the package that calls it is asked for by {}; the macros of \
             neon_failpoint ask for `testing` of their own, which any package of the build may \
             switch on: `if cfg!(feature = {feature:?})` around a call keeps the caller's gate",
            macros.join(" and ")
        )
    });
    notes.collect()
}

/// How many calls a rewrite takes away.
fn going(project: &Project, decisions: &[Vec<Decision>], name: &str) -> usize {
    let sites = project.files.iter().flat_map(|file| &file.facts.sites);
    let sites = sites.zip(decisions.iter().flatten());
    let going = sites.filter(|(site, decision)| {
        matches!(decision.fate, Fate::Rewrite(_))
            && site.kind == Kind::Wrapper
            && site.path.last().is_some_and(|last| last == name)
    });
    going.count()
}

fn calls(project: &Project, name: &str) -> usize {
    let files = project.files.iter();
    files
        .filter_map(|file| file.facts.macro_calls.get(name))
        .sum()
}

/// Where a macro is defined, in words.
fn definition(project: &Project, name: &str) -> Option<String> {
    project.files.iter().find_map(|file| {
        let mut macros = file.facts.macros.iter();
        Some(place(file, macros.find(|m| m.name == name)?))
    })
}

fn place(file: &File, definition: &MacroDefinition) -> String {
    let line = file.source.position(definition.at).line;
    format!("{}:{line}", file.source.path.display())
}

/// Macros with blocking failpoints in them that nobody named, with the places of their
/// definitions.
fn unnamed(
    project: &Project,
    wishes: &Wishes,
    decisions: &[Vec<Decision>],
) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let named = |name: &String| {
        let mut twins = wishes.wrappers.values().flatten();
        KNOWN.contains(&name.as_str())
            || wishes.wrappers.contains_key(name)
            || twins.any(|twin| twin == name)
    };
    for (file, decisions) in project.files.iter().zip(decisions) {
        for (site, decision) in file.facts.sites.iter().zip(decisions) {
            let Some(Reason::MacroDefinition(name)) = &site.obstacle else {
                continue;
            };
            let blocks = matches!(site.kind, Kind::FailPoint | Kind::Eval)
                && matches!(decision.fate, Fate::Left(Reason::MacroDefinition(_)));
            let mut macros = file.facts.macros.iter().rev();
            let definition = macros.find(|m| m.name == *name && m.at <= site.range.start);
            if let (true, false, Some(definition)) = (blocks, named(name), definition) {
                found
                    .entry(name.clone())
                    .or_insert_with(|| place(file, definition));
            }
        }
    }
    found
}
