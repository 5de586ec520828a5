//! Writes a script so that it reads back the same.

use crate::cursor::is_bare;
use crate::script::{Form, Hit, Measure, Naming, Plan, Script, Setting, Stated, Statement};
use std::fmt::{self, Display, Formatter, Write};

impl Display for Script {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for item in &self.shows {
            writeln!(f, "# shows: {item}")?;
        }
        if let Some(environment) = &self.environment {
            writeln!(f, "environment {}", Bytes(environment))?;
        }
        for step in &self.steps {
            statement(f, &step.statement, 0)?;
            match &step.stated {
                Some(Stated::Both(answer)) => writeln!(f, "    both: {answer}")?,
                Some(Stated::Each { real, ours }) => {
                    writeln!(f, "    real: {real}\n    ours: {ours}")?;
                }
                None => {}
            }
        }
        Ok(())
    }
}

/// A name, in quotes if it needs them.
struct Name<'a>(&'a str);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.0.is_empty() && self.0.chars().all(is_bare) {
            f.write_str(self.0)
        } else {
            Text(self.0).fmt(f)
        }
    }
}

/// A text in quotes.
struct Text<'a>(&'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                ' ' => f.write_char(c)?,
                c if c.is_control() || c.is_whitespace() => write!(f, "\\u{{{:x}}}", c as u32)?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

/// Any bytes in quotes.
struct Bytes<'a>(&'a [u8]);

impl Display for Bytes<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Ok(text) = std::str::from_utf8(self.0) {
            return Text(text).fmt(f);
        }
        f.write_char('"')?;
        for byte in self.0 {
            write!(f, "\\x{byte:02x}")?;
        }
        f.write_char('"')
    }
}

/// Writes a statement's line, and those of its block, `depth` levels in.
fn statement(f: &mut Formatter<'_>, statement: &Statement, depth: usize) -> fmt::Result {
    write!(f, "{:1$}", "", depth * 4)?;
    words(f, statement, depth)
}

fn words(f: &mut Formatter<'_>, statement: &Statement, depth: usize) -> fmt::Result {
    match statement {
        Statement::Configure(set) => {
            write!(f, "configure ")?;
            setting(f, set, depth)
        }
        Statement::Guard(guard, set) => {
            write!(f, "guard {} configures ", Name(guard))?;
            setting(f, set, depth)
        }
        Statement::In(thread, inner) => {
            write!(f, "in {}: ", Name(thread))?;
            words(f, inner, depth)
        }
        Statement::Start(thread, inner) => {
            write!(f, "start in {}: ", Name(thread))?;
            words(f, inner, depth)
        }
        Statement::Scope(body) => block(f, "scope", body, depth),
        Statement::OnLog(body) => block(f, "on each log record", body, depth),
        Statement::DropGuard(guard) => writeln!(f, "drop guard {}", Name(guard)),
        Statement::ShowGuard(guard) => writeln!(f, "show guard {}", Name(guard)),
        Statement::Remove(name) => writeln!(f, "remove {}", Name(name)),
        Statement::Hit(hit) => writeln!(f, "hit {hit}"),
        Statement::Panic(message) => writeln!(f, "panic {}", Text(message)),
        Statement::Say(text) => writeln!(f, "say {}", Text(text)),
        Statement::WaitBlocked(thread) => writeln!(f, "wait until {} is blocked", Name(thread)),
        Statement::WaitFor(thread) => writeln!(f, "wait for {}", Name(thread)),
        Statement::List => writeln!(f, "list"),
        Statement::HasFailpoints => writeln!(f, "ask for failpoints"),
        Statement::Setup => writeln!(f, "setup"),
        Statement::Teardown => writeln!(f, "teardown"),
        Statement::DropScenario => writeln!(f, "drop scenario"),
        Statement::WaitQuiet => writeln!(f, "wait until all is quiet"),
    }
}

fn setting(f: &mut Formatter<'_>, setting: &Setting, depth: usize) -> fmt::Result {
    write!(f, "{} ", Name(&setting.name))?;
    match &setting.plan {
        Plan::Actions(actions) => writeln!(f, "as {}", Text(actions)),
        Plan::Callback(body) => block(f, "with callback", body, depth),
    }
}

fn block(f: &mut Formatter<'_>, head: &str, body: &[Statement], depth: usize) -> fmt::Result {
    writeln!(f, "{head}")?;
    for inner in body {
        statement(f, inner, depth + 1)?;
    }
    writeln!(f, "{:1$}end", "", depth * 4)
}

impl Display for Hit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let naming = match self.site.naming {
            Naming::Literal => "",
            Naming::Const => " by const name",
            Naming::RunTime => " by run-time name",
        };
        let form = match self.site.form {
            Form::Plain => "",
            Form::Closure => " with closure",
            Form::Condition(true) => " with closure if true",
            Form::Condition(false) => " with closure if false",
            Form::Expression => " as expression",
            Form::ClosureExpression => " with closure as expression",
            Form::Removing => " with closure that removes the point",
            Form::Diverging => " with diverging closure",
            Form::Eval => " through eval",
        };
        write!(f, "{}{naming}{form}", Name(&self.site.name))?;
        match self.measure {
            Measure::Once => Ok(()),
            Measure::Times(hits) => write!(f, " {hits} times"),
            Measure::Totals { hits, threads: 1 } => write!(f, " {hits} times in any order"),
            Measure::Totals { hits, threads } => write!(f, " {hits} times in {threads} threads"),
            Measure::Sample(hits) => write!(f, " {hits} times as a sample"),
            Measure::Elapsed(ms) => write!(f, " for at least {ms} ms"),
            Measure::Burnt(ms) => write!(f, " burning at least {ms} ms"),
        }
    }
}
