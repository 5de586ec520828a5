//! All of the suite: scripts, random scripts, broken variants, the language.

#![forbid(unsafe_code)]

mod broken;
mod common;
mod language;
mod random;
mod readme;
mod scripts;
mod surface;
