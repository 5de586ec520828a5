//! Cargo.lock, which goes back with the edits.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::error::Error;
use crate::project::Project;

/// Lock files as they were: Cargo writes them where a manifest changed.
pub(super) struct Locks(Vec<(PathBuf, Option<String>)>);

impl Locks {
    pub(super) fn of(project: &Project, packages: &BTreeSet<usize>) -> Locks {
        let packages = packages.iter().filter_map(|at| project.packages.get(*at));
        let folders: BTreeSet<PathBuf> = packages
            .filter_map(|package| package.workspace.as_deref()?.parent())
            .map(|folder| folder.join("Cargo.lock"))
            .collect();
        let locks = folders.into_iter().map(|path| {
            let text = std::fs::read_to_string(&path).ok();
            (path, text)
        });
        Locks(locks.collect())
    }

    pub(super) fn put_back(&self) -> Result<(), Error> {
        for (path, text) in &self.0 {
            let now = std::fs::read_to_string(path).ok();
            let result = match text {
                _ if now == *text => Ok(()),
                Some(text) => std::fs::write(path, text),
                None => std::fs::remove_file(path),
            };
            result.map_err(|error| {
                Error::new(format!("cannot put {} back: {error}", path.display()))
            })?;
        }
        Ok(())
    }
}
