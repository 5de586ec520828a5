#![doc = include_str!("../README.md")]

mod hang;
mod memory;
mod texts;

mod codemod;
mod compat;
mod context;
mod environment;
mod http;
mod native;
mod points;
mod script;

pub use hang::Watch;
pub use texts::{Rules, Texts};

/// Something that reads texts, and what has to hold whatever the text is.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// What `FUZZ_TARGET` calls it; its corpus is the folder of that name in `corpus/`.
    pub name: &'static str,
    /// Folders with texts for it that are others' too.
    pub also: &'static [&'static str],
    /// The grammar of what it reads.
    pub rules: Rules,
    /// Panics if a property does not hold for the text.
    pub check: fn(&[u8]) -> Verdict,
}

/// What became of a text. A target that sees only one of them is worth nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was understood.
    Accepted,
    /// It was refused, and that changed nothing.
    Refused,
}

/// All targets.
pub static TARGETS: [Target; 7] = [
    native::TARGET,
    compat::TARGET,
    environment::TARGET,
    http::TARGET,
    script::TARGET,
    codemod::TARGET,
    context::TARGET,
];

impl Target {
    /// The target of that name.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn named(name: &str) -> &'static Target {
        let named = TARGETS.iter().find(|target| target.name == name);
        named.unwrap_or_else(|| panic!("no target is called {name:?}: see src/lib.rs"))
    }
}
