//! The loom models of what hits, writers and observers share. They run on the shipping types.
//!
//! Each has a twin that takes the same steps in a wrong order, or leaves one out. Loom has to catch
//! the twin, which shows that the model would detect the mistake.
//!
//! ```sh
//! RUSTFLAGS="--cfg neon_failpoint_loom" cargo test --profile loom --lib models
//! ```

pub(crate) mod harness;
mod observer;
mod scope;
mod site;
mod table;
mod wait;
