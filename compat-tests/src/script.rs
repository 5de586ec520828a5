//! What a script is: a list of steps, each a statement and, where the author
//! gave them, the answers.

/// A parsed script.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// The items of `fail`'s surface that the script shows.
    pub shows: Vec<String>,
    /// The value of `FAILPOINTS` in the processes that run it.
    pub environment: Option<Vec<u8>>,
    /// The top-level steps, each of which gives one answer.
    pub steps: Vec<Step>,
}

impl Script {
    /// Whether the script declares that the implementations differ.
    pub fn is_deviation(&self) -> bool {
        let differs = |step: &Step| matches!(step.stated, Some(Stated::Each { .. }));
        self.steps.iter().any(differs)
    }

    /// Whether the script declares that they differ in this item of the surface: the first that it
    /// names.
    pub fn deviates_at(&self, item: &str) -> bool {
        self.is_deviation() && self.shows.first().is_some_and(|first| first == item)
    }
}

/// One line of a script, or several if the statement has a block.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The line it begins at, from 1.
    pub line: usize,
    /// What to do.
    pub statement: Statement,
    /// What the author says the answers are.
    pub stated: Option<Stated>,
}

/// The answers as the author states them.
#[derive(Clone, Debug, PartialEq)]
pub enum Stated {
    /// `both: ANSWER`.
    Both(String),
    /// `real: ANSWER` and `ours: ANSWER`: a deliberate deviation.
    Each {
        /// The answer of `fail` 0.5.1.
        real: String,
        /// The answer of its replacement.
        ours: String,
    },
}

/// Statements between a line that opens a block and its `end`.
pub type Block = Vec<Statement>;

/// What one step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// `configure NAME ..`
    Configure(Setting),
    /// `guard GUARD configures NAME ..`
    Guard(String, Setting),
    /// `drop guard GUARD`
    DropGuard(String),
    /// `show guard GUARD`
    ShowGuard(String),
    /// `remove NAME`
    Remove(String),
    /// `list`
    List,
    /// `ask for failpoints`
    HasFailpoints,
    /// `hit NAME ..`
    Hit(Hit),
    /// `setup`
    Setup,
    /// `teardown`
    Teardown,
    /// `drop scenario`
    DropScenario,
    /// `scope .. end`
    Scope(Block),
    /// `on each log record .. end`
    OnLog(Block),
    /// `panic TEXT`
    Panic(String),
    /// `say TEXT`
    Say(String),
    /// `in THREAD: STATEMENT`
    In(String, Box<Statement>),
    /// `start in THREAD: STATEMENT`
    Start(String, Box<Statement>),
    /// `wait until THREAD is blocked`
    WaitBlocked(String),
    /// `wait until all is quiet`
    WaitQuiet,
    /// `wait for THREAD`
    WaitFor(String),
}

/// A name and what it is to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The failpoint.
    pub name: String,
    /// Its actions or its callback.
    pub plan: Plan,
}

/// What a failpoint is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// `as ACTIONS`
    Actions(String),
    /// `with callback .. end`
    Callback(Block),
}

/// A hit, or many of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Where.
    pub site: Site,
    /// How often, and what is looked at.
    pub measure: Measure,
}

/// A call site.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// The name that is hit.
    pub name: String,
    /// How the call site spells the name.
    pub naming: Naming,
    /// Which form of the macro it uses.
    pub form: Form,
}

/// How a call site spells its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Naming {
    /// A string literal where the name is one of [`LITERALS`], else a variable.
    #[default]
    Literal,
    /// A constant, likewise.
    Const,
    /// A variable.
    RunTime,
}

/// The names for which the interpreter has call sites with a literal.
pub const LITERALS: [&str; 4] = ["p0", "p1", "p2", "p3"];

/// The forms of `fail_point!`, and `eval` as users' own macros call it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// `fail_point!(name);`
    #[default]
    Plain,
    /// `fail_point!(name, closure);`
    Closure,
    /// `fail_point!(name, condition, closure);`
    Condition(bool),
    /// `fail_point!(name)` where an expression is expected.
    Expression,
    /// `fail_point!(name, closure)` where an expression is expected.
    ClosureExpression,
    /// `fail_point!(name, |value| panic!(..));`
    Diverging,
    /// `fail_point!(name, |value| { remove(name); .. });`
    Removing,
    /// `eval(name, closure)`
    Eval,
}

/// How often to hit, and what to answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    /// Once; the answer is what happened.
    #[default]
    Once,
    /// `N times`: what happened, in this order.
    Times(u32),
    /// `N times in any order` or `N times in M threads`: how often each thing
    /// happened, over all threads.
    Totals {
        /// How many hits, over all threads.
        hits: u32,
        /// How many threads share them.
        threads: u32,
    },
    /// `N times as a sample`: how often each thing happened, to be compared as
    /// frequencies.
    Sample(u32),
    /// `for at least N ms`: once, and whether it took that long.
    Elapsed(u64),
    /// `burning at least N ms`: once, and whether it used the processor that
    /// long.
    Burnt(u64),
}
