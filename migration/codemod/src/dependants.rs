//! The members of a workspace that depend on packages.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::metadata::{self, Known};
use crate::paths::real;

/// Packages, and what depends on them.
#[derive(Debug, Default)]
pub struct Dependants {
    /// The packages themselves.
    pub packages: Vec<Known>,
    /// The members that depend on them, directly or through other members.
    pub members: Vec<Known>,
}

impl Dependants {
    /// Those of packages that are named by their manifests, in the workspace at `root`.
    ///
    /// # Errors
    ///
    /// Where Cargo cannot be run. Its own words where it does not know the workspace.
    pub fn of(root: &Path, packages: &[&Path]) -> Result<Result<Dependants, String>, Error> {
        let first: BTreeSet<PathBuf> = packages.iter().map(|path| real(path)).collect();
        let members = metadata::members(root)?;
        Ok(members.map(|members| {
            let reached = reached(&members, &first);
            let (packages, others): (Vec<Known>, Vec<Known>) = members
                .into_iter()
                .partition(|member| first.contains(&real(&member.manifest)));
            let reached = |member: &Known| reached.contains(&real(&member.manifest));
            Dependants {
                packages,
                members: others.into_iter().filter(reached).collect(),
            }
        }))
    }
}

/// `first`, and the manifests from which dependencies lead there.
fn reached(members: &[Known], first: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
    let mut known = first.clone();
    loop {
        let before = known.len();
        for member in members {
            let folders = member.dependencies.iter().filter_map(|d| d.path.as_ref());
            let mut manifests = folders.map(|folder| real(&folder.join("Cargo.toml")));
            if manifests.any(|manifest| known.contains(&manifest)) {
                known.insert(real(&member.manifest));
            }
        }
        if known.len() == before {
            return known;
        }
    }
}
