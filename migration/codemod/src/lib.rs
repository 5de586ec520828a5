//! Finds the failpoints of a project on `fail`, and moves those in async code.
//!
//! The way of a file: [`source`] has its text, [`visit`] makes [`facts`] of it (names and bytes,
//! no syntax tree), [`project`] puts the files together, [`resolve`] says what a macro's name
//! means at a place, [`decide`] what becomes of each site, [`plan`] which [`edit`]s that takes,
//! [`rewrite`] makes them and puts back what the compiler refuses; [`scan`] stops at the decisions.
//! Beside it, for Cargo: a [`package`] is what a manifest says, [`metadata`] what [`cargo`] knows,
//! [`shim`] where `fail` comes from, [`manifest`] how Cargo.toml changes, [`check`] what the compiler
//! says. A module imports from those before it on its way, never back.
//!
//! ```
//! use std::path::Path;
//!
//! use failpoint_migrate::source::Source;
//! use failpoint_migrate::visit::{self, Names};
//!
//! let text = "async fn commit() { fail::fail_point!(\"before-commit\"); }";
//! let source = Source::new(Path::new("commit.rs"), text.to_owned());
//! let (facts, unparsed) = visit::facts(&source, &Names::default(), 2024);
//! assert!(unparsed.is_none());
//! assert_eq!(facts.sites[0].name, "before-commit");
//! assert_eq!(facts.sites[0].obstacle, None);
//! ```

#![forbid(unsafe_code)]

mod callers;
pub mod cargo;
pub mod check;
pub mod cli;
pub mod decide;
pub mod dependants;
pub mod edit;
pub mod error;
pub mod facts;
pub mod farewell;
pub mod files;
pub mod git;
mod heads;
mod imports;
mod lockfile;
pub mod manifest;
pub mod metadata;
mod modules;
pub mod package;
mod paths;
pub mod plan;
pub mod project;
pub mod reason;
pub mod report;
pub mod resolve;
pub mod rewrite;
pub mod scan;
pub mod shim;
pub mod source;
pub mod table;
pub mod tree;
pub mod visit;
pub mod wrappers;
