//! What a configuration says, as data and as text.
//!
//! A chain of alternatives ([`chain`]), each an action ([`action`]) with its conditions, of which
//! the context is [`matcher`]'s. [`reader`] is the cursor that both grammars share. Nothing here
//! knows of points or hits: imports are `error`, `context` and `name`.

pub(crate) mod action;
pub(crate) mod chain;
pub(crate) mod matcher;
mod reader;
