//! How often each task and each verb of the language occurs in scripts.

use crate::language::{FORMS, NAMINGS, phrase_of};
use crate::script::{Block, Hit, LITERALS, Measure, Plan, Script, Statement};
use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

const TASKS: [&str; 9] = [
    "off", "return", "sleep", "panic", "print", "pause", "yield", "delay", "callback",
];

/// Beside the phrases of [`NAMINGS`] and [`FORMS`].
const VERBS: [&str; 31] = [
    "configure",
    "guard",
    "drop guard",
    "show guard",
    "remove",
    "list",
    "ask for failpoints",
    "hit",
    "setup",
    "teardown",
    "drop scenario",
    "scope",
    "on each log record",
    "panic (verb)",
    "say",
    "in",
    "start in",
    "wait until blocked",
    "wait until quiet",
    "wait for",
    "by literal name",
    "plain",
    "once",
    "times",
    "times in any order",
    "times in threads",
    "times as a sample",
    "for at least",
    "burning at least",
    "a refused text",
    "a name that is no literal",
];

/// Occurrences by name; names without any are listed with 0.
#[derive(Clone, Debug)]
pub struct Coverage(BTreeMap<&'static str, u64>);

impl Default for Coverage {
    fn default() -> Self {
        let namings = NAMINGS.map(|(phrase, _)| phrase);
        let forms = FORMS.map(|(phrase, _)| phrase);
        let names = TASKS.into_iter().chain(VERBS).chain(namings).chain(forms);
        Self(names.map(|name| (name, 0)).collect())
    }
}

impl Display for Coverage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let counts: Vec<_> = self
            .0
            .iter()
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        f.write_str(&counts.join(", "))
    }
}

impl Coverage {
    /// What did not occur.
    pub fn missing(&self) -> Vec<&'static str> {
        let missing = self.0.iter().filter(|(_, count)| **count == 0);
        missing.map(|(name, _)| *name).collect()
    }

    /// Adds an answer.
    pub(crate) fn add_answer(&mut self, answer: &str) {
        if answer.starts_with("refused") {
            self.add("a refused text");
        }
    }

    /// Adds what occurs in a script.
    pub(crate) fn add_script(&mut self, script: &Script) {
        script
            .steps
            .iter()
            .for_each(|step| self.add_statement(&step.statement));
    }

    fn add(&mut self, name: &'static str) {
        *self.0.entry(name).or_default() += 1;
    }

    fn add_block(&mut self, block: &Block) {
        block
            .iter()
            .for_each(|statement| self.add_statement(statement));
    }

    fn add_plan(&mut self, plan: &Plan) {
        match plan {
            Plan::Callback(body) => {
                self.add("callback");
                self.add_block(body);
            }
            Plan::Actions(actions) => {
                for alternative in actions.split("->") {
                    let word = alternative.split('(').next().unwrap_or_default();
                    let word = word.rsplit(['%', '*']).next().unwrap_or_default().trim();
                    if let Some(task) = TASKS.into_iter().find(|task| *task == word) {
                        self.add(task);
                    }
                }
            }
        }
    }

    fn add_statement(&mut self, statement: &Statement) {
        self.add(verb(statement));
        match statement {
            Statement::Configure(setting) | Statement::Guard(_, setting) => {
                self.add_plan(&setting.plan);
            }
            Statement::Scope(body) | Statement::OnLog(body) => self.add_block(body),
            Statement::In(_, inner) | Statement::Start(_, inner) => self.add_statement(inner),
            Statement::Hit(hit) => self.add_hit(hit),
            _ => {}
        }
    }

    fn add_hit(&mut self, hit: &Hit) {
        if !LITERALS.contains(&hit.site.name.as_str()) {
            self.add("a name that is no literal");
        }
        let naming = phrase_of(&NAMINGS, &hit.site.naming);
        self.add(naming.unwrap_or("by literal name"));
        let form = phrase_of(&FORMS, &hit.site.form);
        self.add(form.unwrap_or("plain"));
        self.add(match hit.measure {
            Measure::Once => "once",
            Measure::Times(_) => "times",
            Measure::Totals { threads: 1, .. } => "times in any order",
            Measure::Totals { .. } => "times in threads",
            Measure::Sample(_) => "times as a sample",
            Measure::Elapsed(_) => "for at least",
            Measure::Burnt(_) => "burning at least",
        });
    }
}

fn verb(statement: &Statement) -> &'static str {
    match statement {
        Statement::Configure(_) => "configure",
        Statement::Guard(..) => "guard",
        Statement::DropGuard(_) => "drop guard",
        Statement::ShowGuard(_) => "show guard",
        Statement::Remove(_) => "remove",
        Statement::List => "list",
        Statement::HasFailpoints => "ask for failpoints",
        Statement::Hit(_) => "hit",
        Statement::Setup => "setup",
        Statement::Teardown => "teardown",
        Statement::DropScenario => "drop scenario",
        Statement::Scope(_) => "scope",
        Statement::OnLog(_) => "on each log record",
        Statement::Panic(_) => "panic (verb)",
        Statement::Say(_) => "say",
        Statement::In(..) => "in",
        Statement::Start(..) => "start in",
        Statement::WaitBlocked(_) => "wait until blocked",
        Statement::WaitQuiet => "wait until quiet",
        Statement::WaitFor(_) => "wait for",
    }
}
