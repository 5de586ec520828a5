//! What `cargo metadata` says of packages.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::cargo;
use crate::error::Error;
use crate::paths::real;

/// A package that Cargo knows.
#[derive(Debug, Clone, Deserialize)]
pub struct Known {
    /// Its name.
    pub name: String,
    /// How Cargo's `--package` names it.
    pub id: String,
    /// Its Cargo.toml.
    #[serde(rename = "manifest_path")]
    pub manifest: PathBuf,
    /// Its features.
    pub features: BTreeMap<String, Vec<String>>,
    /// Its dependencies.
    pub dependencies: Vec<KnownDependency>,
}

/// A dependency of a package.
#[derive(Debug, Clone, Deserialize)]
pub struct KnownDependency {
    /// The folder, where it is a package on this machine.
    pub path: Option<PathBuf>,
}

/// The members of the workspace at `root`.
///
/// # Errors
///
/// Where Cargo cannot be run. Its own words where it does not know the workspace.
pub fn members(root: &Path) -> Result<Result<Vec<Known>, String>, Error> {
    ask(root, root, "--no-deps")
}

/// All packages that the lock file of `manifest`, a member of the workspace at `root`, brings
/// together. Nothing is fetched, and the lock file stays.
///
/// # Errors
///
/// Where Cargo cannot be run. Its own words where the lock file does not do.
pub fn locked(root: &Path, manifest: &Path) -> Result<Result<Vec<Known>, String>, Error> {
    ask(root, manifest, "--frozen")
}

fn ask(root: &Path, manifest: &Path, option: &str) -> Result<Result<Vec<Known>, String>, Error> {
    #[derive(Deserialize)]
    struct Answer {
        packages: Vec<Known>,
    }

    let mut command = cargo::command(root);
    command
        .args(["metadata", "--format-version=1", "--quiet", option])
        .arg("--manifest-path")
        .arg(real(manifest));
    let output = cargo::output(&mut command, |_| ())?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Ok(Err(words));
    }
    Ok(match serde_json::from_slice::<Answer>(&output.stdout) {
        Ok(answer) => Ok(answer.packages),
        Err(error) => Err(format!("Cargo's answer is not understood: {error}")),
    })
}
