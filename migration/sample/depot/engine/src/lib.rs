//! A small key-value store: a write-ahead file in front of tables that never change.

mod store;
mod wal;

pub use store::Store;
pub use wal::Wal;
