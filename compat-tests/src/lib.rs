//! The same scripts, run against `fail` 0.5.1 and against its replacement.
//!
//! A script is a text file in a small language that README.md explains. Each implementation runs it
//! in a process of its own and gives one answer per step; the parent compares the answers.

#![forbid(unsafe_code)]

mod api;
mod compare;
mod coverage;
mod cursor;
mod events;
mod fuzz;
mod hunt;
mod interpreter;
mod language;
mod mutants;
mod process;
mod quiet;
mod random;
mod runner;
mod script;
mod surface;

pub use compare::{DEVIATIONS, Row, compare, same};
pub use coverage::Coverage;
pub use cursor::SyntaxError;
pub use fuzz::{Fuzz, Outcome};
pub use hunt::{Catch, hunt, print_catches};
pub use mutants::Mutant;
pub use process::{Answers, DIED, HANGS, Implementation, Process, Starter, serve};
pub use runner::{
    Comparison, Source, answers, print_answers, print_summary, run_all, scripts_folder,
};
pub use script::{
    Block, Form, Hit, LITERALS, Measure, Naming, Plan, Script, Setting, Site, Stated, Statement,
    Step,
};
pub use surface::{Item, print_table, sentence_key, surface};
