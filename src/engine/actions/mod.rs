//! What a configuration says, as data and as text.
//!
//! A chain of alternatives ([`chain`]), each an action ([`action`], with [`time`]) with its
//! [`conditions`], of which the context is [`matcher`]'s. [`advice`] finds the errors that say what a
//! text was meant to be. [`reader`] is the cursor that the grammars share. Nothing here knows of
//! points or hits: imports are `error`, `draws`, `context` and `name`.

pub(crate) mod action;
mod advice;
pub(crate) mod chain;
mod conditions;
pub(crate) mod matcher;
mod reader;
pub(crate) mod time;
