//! What one pass over a file finds: numbers and names, no syntax tree, so that files can
//! be read on several threads.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use crate::edit::Edit;
use crate::reason::Reason;

/// What a file holds that matters here.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The file itself first, then its modules and the blocks with imports.
    pub scopes: Vec<Scope>,
    /// The leaves of all `use` items.
    pub imports: Vec<Import>,
    /// All `extern crate` items.
    pub extern_crates: Vec<ExternCrate>,
    /// All `macro_rules!` definitions.
    pub macros: Vec<MacroDefinition>,
    /// `mod name;` items.
    pub modules: Vec<ModuleFile>,
    /// `include!("path")` calls.
    pub includes: Vec<Include>,
    /// Failpoints, in the order of the text.
    pub sites: Vec<Site>,
    /// Calls from async bodies.
    pub calls: Vec<Call>,
    /// Closures that are called where they stand and can become async blocks.
    pub in_place: Vec<Vec<Edit>>,
    /// Async bodies with sites of which the compiler says whether they can await.
    pub futures: Vec<Future>,
    /// Whether the file mentions `fail` in a path, an import or an `extern crate`.
    pub heads: Vec<String>,
    /// How often each macro is called, but in its own definition.
    pub macro_calls: BTreeMap<String, usize>,
}

/// A region with names of its own.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Its bytes.
    pub range: Range<usize>,
    /// What it is.
    pub kind: ScopeKind,
    /// The scope around it.
    pub parent: Option<usize>,
    /// Whether it is a `pub mod`, or a file.
    pub exported: bool,
}

/// What a scope is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScopeKind {
    /// The whole file.
    File,
    /// `mod name { .. }`.
    Module(String),
    /// A block; it sees what its surroundings see.
    Block,
}

/// One name that a `use` item brings.
#[derive(Debug, Clone)]
pub struct Import {
    /// Where the name is visible.
    pub scope: usize,
    /// The path, without an `as`.
    pub path: Vec<String>,
    /// The name in the scope; empty for a glob and for `as _`.
    pub name: String,
    /// `path::*`.
    pub glob: bool,
    /// `pub` in any form.
    pub public: bool,
    /// `pub` without a restriction.
    pub exported: bool,
    /// The whole item, attributes and all.
    pub item: Range<usize>,
    /// How many leaves the item has.
    pub leaves: usize,
    /// The leaf: `name` or `name as other`.
    pub leaf: Range<usize>,
    /// What stands in each pair of braces around the leaf, the innermost last.
    pub groups: Vec<Vec<Range<usize>>>,
}

impl Import {
    /// The leaf's neighbours in its braces, itself included; empty without braces.
    #[must_use]
    pub fn siblings(&self) -> &[Range<usize>] {
        self.groups.last().map_or(&[], Vec::as_slice)
    }
}

/// `extern crate name as alias`.
#[derive(Debug, Clone)]
pub struct ExternCrate {
    /// The crate's name.
    pub name: String,
    /// The name that it has here.
    pub alias: String,
    /// Whether `#[macro_use]` stands before it.
    pub macro_use: bool,
    /// The names of `#[macro_use(..)]` with their places; empty: all of them.
    pub list: Vec<(String, Range<usize>)>,
    /// The attribute `#[macro_use]`.
    pub attribute: Range<usize>,
}

/// A `macro_rules!`.
#[derive(Debug, Clone)]
pub struct MacroDefinition {
    /// Its name.
    pub name: String,
    /// Where it begins.
    pub at: usize,
    /// The innermost scope around it, blocks without imports included.
    pub visible: Range<usize>,
    /// Whether it stands at the top of the file or in modules with `#[macro_use]` only.
    pub top: bool,
    /// `#[macro_export]`.
    pub exported: bool,
    /// Whether all that it does is to hand its arguments to a `fail_point!`.
    pub forwards: bool,
    /// The feature of its callers that it asks for: `cfg!(feature = "name")`.
    pub gate: Option<String>,
}

/// `mod name;`.
#[derive(Debug, Clone)]
pub struct ModuleFile {
    /// The module's name.
    pub name: String,
    /// The inline modules around it, with `#[path]` of their own.
    pub inside: Vec<String>,
    /// Where it is declared.
    pub scope: usize,
    /// `#[path = ".."]`.
    pub path: Option<String>,
    /// Whether it is a `pub mod`.
    pub exported: bool,
}

/// `include!("path")`.
#[derive(Debug, Clone)]
pub struct Include {
    /// The path, as written.
    pub path: String,
    /// Where the call is.
    pub at: usize,
    /// In words: what it is put into.
    pub into: String,
    /// Whether it stands where items stand.
    pub item: bool,
}

/// A call from an async body.
#[derive(Debug, Clone)]
pub struct Call {
    /// The last segment of what is called.
    pub name: String,
    /// What it is a name of.
    pub callee: Callee,
    /// The function around the call.
    pub caller: String,
    /// Where.
    pub at: usize,
}

/// What a call's syntax says of what it calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Callee {
    /// A function that belongs to no type, by this path; without one, by its name.
    Free(Vec<String>),
    /// A function of this type.
    Of(String),
    /// A function of some type, whose value is called so.
    Method(String),
}

/// A function's name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Function {
    /// Its type or trait.
    pub owner: Option<String>,
    /// Its own name.
    pub name: String,
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(owner) = &self.owner {
            write!(f, "{owner}::")?;
        }
        f.write_str(&self.name)
    }
}

/// The body of an async function, or an async block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Future {
    /// Where it is.
    pub range: Range<usize>,
    /// What has the compiler refuse it where it is not Send; no line more. Empty where that
    /// cannot be written.
    pub asserted: Vec<Edit>,
}

/// Which macro a site calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `fail_point!`.
    FailPoint,
    /// `async_fail_point!`: it awaits already.
    AsyncFailPoint,
    /// `pausable_failpoint!`.
    Pausable,
    /// `sleep_millis_async!`.
    SleepMillis,
    /// A macro that `--macro` named.
    Wrapper,
    /// `failpoint!` of the native crate, a future.
    Native,
    /// `fail_point_with_context!` of the native crate, which awaits.
    WithContext,
    /// `fail_point_sync!` of the native crate, which blocks.
    Sync,
    /// `fail_point_with_context_sync!` of the native crate, which blocks.
    SyncWithContext,
    /// A call of `fail::eval`.
    Eval,
}

/// What stands around the macro call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A statement with a semicolon or braces.
    Statement,
    /// `..?`.
    Tried,
    /// `...await`.
    Awaited,
    /// Any other expression.
    Expression,
}

/// A failpoint.
#[derive(Debug, Clone)]
pub struct Site {
    /// Which macro it calls.
    pub kind: Kind,
    /// The macro's path, the name last. A leading `::` is an empty first segment.
    pub path: Vec<String>,
    /// The failpoint's name, or the expression that gives it.
    pub name: String,
    /// The arguments, in words.
    pub form: &'static str,
    /// How many arguments there are.
    pub arguments: usize,
    /// From the path to the closing bracket.
    pub range: Range<usize>,
    /// The path.
    pub path_range: Range<usize>,
    /// The path's last segment.
    pub last: Range<usize>,
    /// What stands around it.
    pub place: Place,
    /// Whether it has braces for brackets.
    pub braces: bool,
    /// The function around it.
    pub function: Function,
    /// What the innermost body is, in words.
    pub body: &'static str,
    /// What its surroundings say against awaiting here.
    pub obstacle: Option<Reason>,
    /// Which of the file's futures it is in, where a value that may not be Send is held there.
    pub future: Option<usize>,
    /// The closure around it that becomes an async block with it.
    pub in_place: Option<usize>,
    /// What has to change around it besides: the `spawn_blocking`.
    pub around: Vec<Edit>,
    /// What to change in its arguments for the native macro.
    pub native: Result<Vec<Edit>, Reason>,
    /// Whether a comment asks to leave it as it is.
    pub kept: bool,
}

impl Site {
    /// Whether the compiler is to say if it can await.
    #[must_use]
    pub fn is_tried(&self) -> bool {
        let awaits = matches!(self.kind, Kind::FailPoint | Kind::Wrapper);
        awaits && matches!(self.obstacle, Some(Reason::Held { .. }))
    }
}
