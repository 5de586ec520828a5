//! Whether Cargo finds a version for every dependency, given those that Cargo.lock holds.

use std::path::Path;

use crate::cargo::{self, Tell};
use crate::error::Error;
use crate::paths::real;

/// How many packages a lock file may hold back before nobody would call that one mend.
const HELD: usize = 8;

/// Why Cargo finds no versions.
#[derive(Debug)]
pub(crate) struct Unresolved {
    /// Its words.
    pub(crate) words: String,
    /// What lets it, tried: the packages that Cargo.lock holds back, as `--package` names them.
    pub(crate) held: Vec<String>,
}

/// Asks Cargo about the workspace at `root`, as the manifests and the lock file are now. The
/// lock file stays where there is one; nothing but an index is fetched.
///
/// # Errors
///
/// Where Cargo cannot be run.
pub(crate) fn unresolved(root: &Path, tell: Tell) -> Result<Option<Unresolved>, Error> {
    let Some(words) = refused(root, &[], tell)? else {
        return Ok(None);
    };
    let mut held = Vec::new();
    let mut latest = words.clone();
    // One conflict hides the next.
    while let Some(package) = in_the_way(&latest).filter(|package| !held.contains(package)) {
        held.push(package);
        match refused(root, &held, tell)? {
            None => return Ok(Some(Unresolved { words, held })),
            Some(_) if held.len() == HELD => break,
            Some(words) => latest = words,
        }
    }
    held.clear();
    Ok(Some(Unresolved { words, held }))
}

/// Cargo's words where it finds no versions, with those packages free to move.
fn refused(root: &Path, free: &[String], tell: Tell) -> Result<Option<String>, Error> {
    let mut command = cargo::command(root);
    command.args(["update", "--dry-run", "--color=never"]);
    command.arg("--manifest-path").arg(real(root));
    if free.is_empty() {
        command.arg("--workspace");
    }
    for package in free {
        command.args(["--package", package]);
    }
    let output = cargo::output(&mut command, tell)?;
    Ok((!output.status.success()).then(|| cargo::words(&output)))
}

/// The first package that Cargo had chosen already, as `--package` names it.
fn in_the_way(words: &str) -> Option<String> {
    let (_, rest) = words.split_once("previously selected package `")?;
    let mut parts = rest.split(['`', ' ']);
    let (name, version) = (parts.next()?, parts.next()?);
    Some(format!("{name}@{}", version.strip_prefix('v')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_in_the_way_is_read_with_its_version() {
        let words = "all possible versions conflict with previously selected packages.\n\n  \
                     previously selected package `tokio-util v0.7.10`\n    ... which satisfies";
        assert_eq!(in_the_way(words).as_deref(), Some("tokio-util@0.7.10"));
        let by_path = "  previously selected package `a v1.0.0 (/src/a)`\n";
        assert_eq!(in_the_way(by_path).as_deref(), Some("a@1.0.0"));
        assert_eq!(
            in_the_way("error: no matching package named `a` found"),
            None
        );
    }
}
