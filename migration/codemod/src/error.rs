//! What ends a command: a mistake of the user's, or a file that cannot be read or written.

use std::fmt;

/// Why a command could not be done. Its text names what, where, and what would be right.
#[derive(Debug)]
pub struct Error {
    message: String,
}

impl Error {
    /// An error of these words.
    pub fn new(message: impl Into<String>) -> Error {
        Error {
            message: message.into(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
