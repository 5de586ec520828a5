//! One pass over a file: the bodies and scopes around each failpoint, and what lives there.

mod arguments;
mod closures;
mod definitions;
mod file;
mod finder;
mod futures;
mod inner;
mod macros;
mod marker;
mod names;
mod receivers;
mod tokens;
mod types;
mod values;
mod walk;

pub use file::facts;
pub use macros::Names;
