//! Why a failpoint was left as it is, in words for the person who reads the report.

use std::fmt;

/// Why a site is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The innermost body is a function that is not async.
    SyncFunction(String),
    /// The innermost body is a closure that is handed to a call.
    PassedTo(String),
    /// The innermost body is a closure that a binding or a field keeps.
    Stored(String),
    /// The innermost body is some other closure.
    SyncClosure,
    /// In the closure of another failpoint.
    FailpointClosure,
    /// A closure that is called where it stands, but cannot become an async block.
    InPlace(&'static str),
    /// `spawn_blocking` around the site, and why that cannot go.
    SpawnBlocking(&'static str),
    /// In `Drop::drop` of the type.
    Drop(String),
    /// In the initialiser of a constant or static.
    Constant,
    /// In an async function that this attribute rewrites.
    Attribute(String),
    /// A value that is not Send lives across the site.
    Held {
        /// The binding, or the expression where it has no name.
        binding: String,
        /// What it is.
        what: &'static str,
        /// Where it begins to live.
        line: usize,
        /// Whether that is known; else the compiler is asked.
        certain: bool,
    },
    /// Inside the tokens of a macro that is not looked into.
    OtherMacro(String),
    /// In the definition of a macro.
    MacroDefinition(String),
    /// A call of `eval` whose name is no literal.
    Eval,
    /// A call of `eval` with a literal.
    EvalOfLiteral,
    /// A macro of the native crate that blocks, in code that can await; the one that awaits.
    Blocks(&'static str),
    /// A comment at the site asks for it.
    Kept,
    /// The target that was asked for is about other macros.
    OtherTarget,
    /// The macro is defined in this crate.
    LocalMacro(String),
    /// The macro comes from elsewhere.
    NotFails(String),
    /// Two imports have the name.
    Ambiguous(String),
    /// The macro reaches a crate without a dependency on `fail`.
    ReExport(String),
    /// The wrapper has no async twin.
    NoTwin {
        /// The wrapper's name.
        wrapper: String,
        /// The name that its twin would have.
        twin: String,
    },
    /// Nothing in the tree says that the async body runs in the included file.
    Included(String),
    /// The file does not parse.
    Unparsed,
    /// The closure of a native site needs a person.
    NativeClosure(&'static str),
    /// `cargo check` refused the edit.
    Compiler(String),
}

/// The words for a lock's guard.
pub(crate) const GUARD: &str = "the guard of a lock";
/// The words for a `RefCell`'s borrow.
pub(crate) const BORROW: &str = "a borrow of a `RefCell`";

impl Reason {
    /// Whether others run into what is held while the site waits, on the same thread as well.
    #[must_use]
    pub fn is_lock(&self) -> bool {
        matches!(self, Reason::Held { what, .. } if *what == GUARD || *what == BORROW)
    }

    /// One word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Reason::SyncFunction(_) => "sync-function",
            Reason::PassedTo(_) => "closure-argument",
            Reason::Stored(_) => "closure-stored",
            Reason::SyncClosure => "closure",
            Reason::FailpointClosure => "failpoint-closure",
            Reason::InPlace(_) => "closure-in-place",
            Reason::SpawnBlocking(_) => "spawn-blocking",
            Reason::Drop(_) => "drop",
            Reason::Constant => "constant",
            Reason::Attribute(_) => "attribute",
            Reason::Held { .. } => "not-send",
            Reason::OtherMacro(_) => "other-macro",
            Reason::MacroDefinition(_) => "macro-definition",
            Reason::Eval | Reason::EvalOfLiteral => "eval",
            Reason::Blocks(_) => "blocks",
            Reason::Kept => "kept",
            Reason::OtherTarget => "other-target",
            Reason::LocalMacro(_) => "local-macro",
            Reason::NotFails(_) => "not-fail",
            Reason::Ambiguous(_) => "two-imports",
            Reason::ReExport(_) => "re-export",
            Reason::NoTwin { .. } => "no-twin",
            Reason::Included(_) => "included",
            Reason::Unparsed => "unparsed",
            Reason::NativeClosure(_) => "native-closure",
            Reason::Compiler(_) => "compiler",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::SyncFunction(name) => write!(f, "`{name}` is a sync function"),
            Reason::PassedTo(callee) => {
                write!(f, "in a sync closure that is passed to `{callee}`")
            }
            Reason::Stored(place) => write!(f, "in a sync closure that is stored in `{place}`"),
            Reason::SyncClosure => f.write_str("in a sync closure"),
            Reason::FailpointClosure => f.write_str("in the closure of another failpoint"),
            Reason::InPlace(why) => write!(f, "in a closure that is called in place, but {why}"),
            Reason::SpawnBlocking(why) => write!(f, "in a `spawn_blocking` whose {why}"),
            Reason::Drop(of) => write!(f, "in the `Drop` of `{of}`, which cannot await"),
            Reason::Constant => f.write_str("in the initialiser of a constant or static"),
            Reason::Attribute(name) => write!(
                f,
                "in a function that the attribute `{name}` rewrites: it does not see an await in a macro"
            ),
            Reason::Held {
                binding,
                what,
                line,
                ..
            } => {
                write!(f, "`{binding}` of line {line}, {what}, is held across it")
            }
            Reason::OtherMacro(name) => write!(f, "inside the tokens of another macro, `{name}!`"),
            Reason::MacroDefinition(name) => write!(f, "inside the definition of `{name}!`"),
            Reason::Eval => f.write_str(
                "`eval` takes a name that only exists at run time, and a person has to choose what awaits",
            ),
            Reason::EvalOfLiteral => f.write_str(
                "`eval` hands its value to the code around it, and a person has to choose what awaits",
            ),
            Reason::Blocks(awaits) => write!(f, "it blocks: `{awaits}!` awaits"),
            Reason::Kept => f.write_str("a comment asks to keep it"),
            Reason::OtherTarget => f.write_str("`--to explicit` is not about it"),
            Reason::LocalMacro(name) => write!(
                f,
                "`{name}!` is a macro of this project, not of `fail`: if it wraps `fail`'s, give `--macro {name}`"
            ),
            Reason::NotFails(path) => write!(f, "`{path}` is not the macro of `fail`"),
            Reason::Ambiguous(name) => write!(
                f,
                "`{name}` has two meanings, by two imports or by an import and a macro of this project"
            ),
            Reason::ReExport(through) => write!(
                f,
                "it comes through `{through}`, and this crate has no dependency on `fail`"
            ),
            Reason::NoTwin { wrapper, twin } => write!(
                f,
                "the wrapper `{wrapper}!` has no async twin: write `{twin}!`, or name one with `--macro {wrapper}=TWIN`"
            ),
            Reason::Included(by) => write!(f, "in a file that `include!` puts into {by}"),
            Reason::Unparsed => f.write_str("in a file that does not parse"),
            Reason::NativeClosure(why) => {
                write!(f, "its closure takes an `Option<String>`, and {why}")
            }
            Reason::Compiler(words) => write!(f, "the compiler refused the edit: {words}"),
        }
    }
}
