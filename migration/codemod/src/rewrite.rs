//! `rewrite`: `draft` plans it, `make` writes it and puts back what `checks` finds and `blame`
//! lays at a site's door, or what `send` finds to hold what cannot be sent.

mod blame;
mod checks;
mod draft;
mod locks;
mod make;
mod send;

pub use draft::{Draft, Rewriting};
