//! Writing files so that nobody ever sees half of one.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// A file's text before and after.
#[derive(Debug, Clone)]
pub struct Change {
    /// Where it is.
    pub path: PathBuf,
    /// What it holds.
    pub before: String,
    /// What it is to hold.
    pub after: String,
}

/// Writes through a temporary file beside it; the mode stays, a symbolic link, too.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = path.canonicalize()?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let permissions = fs::metadata(&path)?.permissions();
    let mut file = tempfile::Builder::new()
        .prefix(".failpoint-migrate")
        .tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(permissions)?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

/// Makes all changes, or none.
///
/// # Errors
///
/// Where one cannot be written: those before it are taken back.
pub fn write(changes: &[Change]) -> Result<(), Error> {
    // A new file in its place would get around that.
    let locked = changes.iter().find(|change| {
        let metadata = fs::metadata(&change.path);
        metadata.is_ok_and(|metadata| metadata.permissions().readonly())
    });
    if let Some(change) = locked {
        return Err(Error::new(format!(
            "cannot write {}: it is read-only; nothing was changed: make it writable, or leave \
             its folder out",
            change.path.display()
        )));
    }
    for (at, change) in changes.iter().enumerate() {
        if let Err(error) = replace(&change.path, &change.after) {
            let mut message = format!("cannot write {}: {error}", change.path.display());
            for done in changes.iter().take(at) {
                if let Err(error) = replace(&done.path, &done.before) {
                    let path = done.path.display();
                    message.push_str(&format!("; and {path} could not be put back: {error}"));
                }
            }
            return Err(Error::new(message));
        }
    }
    Ok(())
}

/// Makes the files hold `after` where they held `before`: only those that differ are written.
///
/// # Errors
///
/// Where one cannot be written.
pub fn turn(before: &[Change], after: &[Change]) -> Result<(), Error> {
    let text_in = |changes: &[Change], path: &Path| {
        let found = changes.iter().find(|change| change.path == path);
        found.map(|change| change.after.clone())
    };
    let mut steps = Vec::new();
    for change in before {
        let wanted = text_in(after, &change.path).unwrap_or_else(|| change.before.clone());
        if wanted != change.after {
            steps.push(Change {
                path: change.path.clone(),
                before: change.after.clone(),
                after: wanted,
            });
        }
    }
    for change in after {
        if text_in(before, &change.path).is_none() {
            steps.push(change.clone());
        }
    }
    write(&steps)
}
