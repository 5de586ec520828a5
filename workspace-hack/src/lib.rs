//! Nothing: `Cargo.toml` is what this is for.
