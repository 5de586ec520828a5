//! The language of scripts: how one is read, and how it is written so that it reads back the same.

use crate::cursor::{Cursor, Result, SyntaxError, is_bare};
use crate::script::{Block, Form, Hit, Measure, Naming, Plan, Script, Setting};
use crate::script::{Site, Stated, Statement, Step};
use std::fmt::{self, Display, Formatter, Write};

impl Script {
    /// Parses a script; errors refer to it as `file`.
    ///
    /// # Errors
    ///
    /// If the text is not a script: where, and what was expected there.
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        let mut lines = Lines::new(text);
        lines.script().map_err(|error| SyntaxError {
            file: file.to_owned(),
            ..error
        })
    }
}

/// The text of `# shows: ..`, if the line is one.
fn shows(line: &str) -> Option<String> {
    let comment = line.trim_start().strip_prefix('#')?;
    Some(
        comment
            .trim_start()
            .strip_prefix("shows:")?
            .trim()
            .to_owned(),
    )
}

/// How many statements may stand in each other: whoever reads and runs them recurses.
const DEEPEST: usize = 64;

/// The lines that are neither blank nor comments.
struct Lines<'a> {
    text: &'a str,
    /// How many statements are open.
    depth: usize,
    lines: std::iter::Peekable<std::vec::IntoIter<(usize, &'a str)>>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        let lines = text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line));
        let is_code = |line: &str| !line.is_empty() && !line.starts_with('#');
        let lines: Vec<_> = lines.filter(|(_, line)| is_code(line.trim())).collect();
        Self {
            text,
            depth: 0,
            lines: lines.into_iter().peekable(),
        }
    }

    fn next(&mut self) -> Option<Cursor<'a>> {
        self.lines
            .next()
            .map(|(number, text)| Cursor::new(number, text))
    }

    /// Returns what follows `phrase` in the next line, if that line begins with it.
    fn next_if(&mut self, phrase: &str) -> Option<Cursor<'a>> {
        let &(number, text) = self.lines.peek()?;
        let mut cursor = Cursor::new(number, text);
        if !cursor.phrase(phrase) {
            return None;
        }
        self.lines.next();
        Some(cursor)
    }

    fn script(&mut self) -> Result<Script> {
        let mut script = Script {
            shows: self.text.lines().filter_map(shows).collect(),
            ..Script::default()
        };
        if let Some(mut cursor) = self.next_if("environment") {
            script.environment = Some(cursor.bytes("the value of FAILPOINTS")?);
            cursor.end()?;
        }
        while let Some(mut cursor) = self.next() {
            let line = cursor.line();
            let statement = self.statement(&mut cursor)?;
            script.steps.push(Step {
                line,
                statement,
                stated: self.stated()?,
            });
        }
        Ok(script)
    }

    fn stated(&mut self) -> Result<Option<Stated>> {
        if let Some(mut cursor) = self.next_if("both:") {
            return Ok(Some(Stated::Both(cursor.answer()?)));
        }
        let Some(mut cursor) = self.next_if("real:") else {
            return Ok(None);
        };
        let real = cursor.answer()?;
        let Some(mut next) = self.next_if("ours:") else {
            let mut missing = self
                .next()
                .unwrap_or_else(|| Cursor::new(cursor.line() + 1, ""));
            missing.expect("ours:")?;
            return missing.fail();
        };
        Ok(Some(Stated::Each {
            real,
            ours: next.answer()?,
        }))
    }

    fn block(&mut self, opener: &mut Cursor<'_>) -> Result<Block> {
        opener.end()?;
        let mut block = Vec::new();
        while let Some(mut cursor) = self.next() {
            if cursor.phrase("end") {
                cursor.end()?;
                return Ok(block);
            }
            block.push(self.statement(&mut cursor)?);
        }
        let mut missing = Cursor::new(self.text.lines().count() + 1, "");
        missing.expect("end")?;
        Ok(block)
    }

    /// Parses a statement, to the end of its line or of its block.
    fn statement(&mut self, cursor: &mut Cursor<'_>) -> Result<Statement> {
        if self.depth == DEEPEST {
            return cursor.fail_for(&format!("at most {DEEPEST} steps in each other"));
        }
        self.depth += 1;
        let statement = self.one_statement(cursor);
        self.depth -= 1;
        statement
    }

    fn one_statement(&mut self, cursor: &mut Cursor<'_>) -> Result<Statement> {
        let Some(verb) = cursor.choice(&VERBS) else {
            return cursor.fail();
        };
        let statement = match verb {
            Verb::Done(statement) => statement,
            Verb::Named(what, make) => make(cursor.name(what)?),
            Verb::Text(what, make) => make(cursor.text(what)?),
            Verb::Block(make) => return Ok(make(self.block(cursor)?)),
            Verb::Hit => Statement::Hit(hit(cursor)?),
            Verb::Configure => {
                let name = cursor.name("a failpoint")?;
                return Ok(Statement::Configure(self.setting(name, cursor)?));
            }
            Verb::Guard => {
                let guard = cursor.name("a guard")?;
                cursor.expect("configures")?;
                let name = cursor.name("a failpoint")?;
                return Ok(Statement::Guard(guard, self.setting(name, cursor)?));
            }
            Verb::Thread(make) => {
                let thread = cursor.name("a thread")?;
                cursor.expect(":")?;
                return Ok(make(thread, Box::new(self.statement(cursor)?)));
            }
            Verb::WaitUntil => {
                let thread = cursor.name("a thread")?;
                cursor.expect("is blocked")?;
                Statement::WaitBlocked(thread)
            }
        };
        cursor.end()?;
        Ok(statement)
    }

    fn setting(&mut self, name: String, cursor: &mut Cursor<'_>) -> Result<Setting> {
        let plan = if cursor.phrase("as") {
            let actions = cursor.text("actions")?;
            cursor.end()?;
            Plan::Actions(actions)
        } else {
            cursor.expect("with callback")?;
            Plan::Callback(self.block(cursor)?)
        };
        Ok(Setting { name, plan })
    }
}

/// What follows a verb.
#[derive(Clone)]
enum Verb {
    Done(Statement),
    Named(&'static str, fn(String) -> Statement),
    Text(&'static str, fn(String) -> Statement),
    Block(fn(Block) -> Statement),
    Thread(fn(String, Box<Statement>) -> Statement),
    Configure,
    Guard,
    Hit,
    WaitUntil,
}

/// Each verb; a phrase that begins another comes after it.
const VERBS: [(&str, Verb); 20] = [
    ("configure", Verb::Configure),
    ("guard", Verb::Guard),
    ("drop guard", Verb::Named("a guard", Statement::DropGuard)),
    ("show guard", Verb::Named("a guard", Statement::ShowGuard)),
    ("remove", Verb::Named("a failpoint", Statement::Remove)),
    ("list", Verb::Done(Statement::List)),
    ("ask for failpoints", Verb::Done(Statement::HasFailpoints)),
    ("hit", Verb::Hit),
    ("setup", Verb::Done(Statement::Setup)),
    ("teardown", Verb::Done(Statement::Teardown)),
    ("drop scenario", Verb::Done(Statement::DropScenario)),
    ("scope", Verb::Block(Statement::Scope)),
    ("on each log record", Verb::Block(Statement::OnLog)),
    ("panic", Verb::Text("a message", Statement::Panic)),
    ("say", Verb::Text("a text", Statement::Say)),
    ("in", Verb::Thread(Statement::In)),
    ("start in", Verb::Thread(Statement::Start)),
    ("wait until all is quiet", Verb::Done(Statement::WaitQuiet)),
    ("wait until", Verb::WaitUntil),
    ("wait for", Verb::Named("a thread", Statement::WaitFor)),
];

/// How a hit says that its name is no literal.
pub(crate) const NAMINGS: [(&str, Naming); 2] = [
    ("by const name", Naming::Const),
    ("by run-time name", Naming::RunTime),
];

/// How a hit says that its call site has another form than the plain one; a phrase that begins
/// another comes after it.
pub(crate) const FORMS: [(&str, Form); 8] = [
    ("with closure as expression", Form::ClosureExpression),
    ("with closure if true", Form::Condition(true)),
    ("with closure if false", Form::Condition(false)),
    ("with closure that removes the point", Form::Removing),
    ("with closure", Form::Closure),
    ("with diverging closure", Form::Diverging),
    ("as expression", Form::Expression),
    ("through eval", Form::Eval),
];

/// The phrase of a value that does not go without saying.
pub(crate) fn phrase_of<T: PartialEq>(
    phrases: &[(&'static str, T)],
    value: &T,
) -> Option<&'static str> {
    let (phrase, _) = phrases.iter().find(|(_, said)| said == value)?;
    Some(phrase)
}

fn hit(cursor: &mut Cursor<'_>) -> Result<Hit> {
    let name = cursor.name("a failpoint")?;
    let naming = cursor.choice(&NAMINGS);
    let form = cursor.choice(&FORMS);
    let site = Site {
        name,
        naming: naming.unwrap_or_default(),
        form: form.unwrap_or_default(),
    };
    Ok(Hit {
        site,
        measure: measure(cursor)?,
    })
}

fn measure(cursor: &mut Cursor<'_>) -> Result<Measure> {
    let lasting = [
        ("for at least", Measure::Elapsed as fn(u64) -> Measure),
        ("burning at least", Measure::Burnt),
    ];
    if let Some(make) = cursor.choice(&lasting) {
        let milliseconds = cursor.number()?;
        cursor.expect("ms")?;
        return Ok(make(milliseconds));
    }
    let Some(hits) = cursor.digits() else {
        return Ok(Measure::Once);
    };
    let hits = u32::try_from(hits).unwrap_or(u32::MAX);
    cursor.expect("times")?;
    if cursor.phrase("as a sample") {
        return Ok(Measure::Sample(hits));
    }
    if cursor.phrase("in any order") {
        return Ok(Measure::Totals { hits, threads: 1 });
    }
    if !cursor.phrase("in") {
        return Ok(Measure::Times(hits));
    }
    let threads = cursor.number()?.clamp(1, 64);
    cursor.expect("threads")?;
    Ok(Measure::Totals {
        hits,
        threads: threads as u32,
    })
}

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
        write!(f, "{}", Name(&self.site.name))?;
        let said = [
            phrase_of(&NAMINGS, &self.site.naming),
            phrase_of(&FORMS, &self.site.form),
        ];
        for phrase in said.into_iter().flatten() {
            write!(f, " {phrase}")?;
        }
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
