//! The write-ahead file: every value is in it before it is in memory.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use fail::fail_point;

/// A file of `key=value` lines.
#[derive(Debug)]
pub struct Wal {
    path: PathBuf,
    file: File,
}

impl Wal {
    /// Opens the file, or makes it.
    pub fn open(path: &Path) -> io::Result<Wal> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Wal {
            path: path.to_owned(),
            file,
        })
    }

    /// Adds a line.
    pub fn append(&mut self, key: &str, value: &str) -> io::Result<()> {
        fail_point!("wal-append", |reason| Err(io::Error::other(
            reason.unwrap_or_default()
        )));
        writeln!(self.file, "{key}={value}")?;
        fail_point!("wal-sync");
        self.file.sync_data()
    }

    /// The lines so far.
    pub fn replay(&self) -> io::Result<Vec<(String, String)>> {
        pairs(&self.path)
    }

    /// Forgets all lines.
    pub fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)
    }
}

/// The pairs of a file.
pub(crate) fn pairs(path: &Path) -> io::Result<Vec<(String, String)>> {
    let text = fs::read_to_string(path)?;
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    Ok(pairs
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect())
}
