//! `rewrite`: `draft` plans it, `make` writes it and puts back what `checks` finds and `blame`
//! lays at a site's door.

mod blame;
mod checks;
mod draft;
mod locks;
mod make;

pub use draft::{Draft, Rewriting};
