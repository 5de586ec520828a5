//! The files of a tree and the packages that they belong to.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::package::Package;

/// The paths that the user gave, walked.
#[derive(Debug, Default)]
pub struct Tree {
    /// What the user gave.
    pub roots: Vec<PathBuf>,
    /// The packages; files name them by position.
    pub packages: Vec<Package>,
    /// Each file with its package, in the order of paths.
    pub files: Vec<(PathBuf, usize)>,
    /// Symbolic links by the name of a source file that lead nowhere.
    pub dangling: Vec<PathBuf>,
    by_folder: HashMap<PathBuf, usize>,
    by_manifest: BTreeMap<Option<PathBuf>, usize>,
}

impl Tree {
    /// Finds every `.rs` file under `roots`, but not in hidden folders and Cargo's `target`.
    ///
    /// # Errors
    ///
    /// Where one of the roots does not exist, or a folder cannot be read.
    pub fn walk(roots: &[PathBuf]) -> Result<Tree, Error> {
        let mut tree = Tree {
            roots: roots.to_vec(),
            ..Tree::default()
        };
        let mut found = BTreeSet::new();
        let mut seen = BTreeSet::new();
        for root in roots {
            if !root.exists() {
                return Err(Error::new(format!(
                    "{} does not exist: give a folder or a `.rs` file",
                    root.display()
                )));
            }
            if root.is_file() && root.extension().is_some_and(|end| end == "toml") {
                return Err(Error::new(format!(
                    "{} is no Rust source: give the folder that it is in",
                    root.display()
                )));
            }
            let walk = ignore::WalkBuilder::new(root)
                .standard_filters(false)
                .hidden(true)
                .filter_entry(|entry| !is_target(entry))
                .build();
            for entry in walk {
                let entry = entry.map_err(|error| Error::new(error.to_string()))?;
                let path = entry.path();
                let is_rust = path.extension().is_some_and(|end| end == "rs");
                let is_given = entry.depth() == 0;
                if is_rust && entry.path_is_symlink() && !path.exists() {
                    tree.dangling.push(path.to_owned());
                }
                if !(is_rust || is_given) || !path.is_file() {
                    continue;
                }
                if seen.insert(real(path)) {
                    found.insert(path.to_owned());
                }
            }
        }
        for path in found {
            tree.add(path);
        }
        Ok(tree)
    }

    /// Adds a file that another one reaches. Its position.
    pub fn add(&mut self, path: PathBuf) -> usize {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let package = self.package_of(&folder);
        self.files.push((path, package));
        self.files.len() - 1
    }

    /// Whether one of the given folders holds the file.
    #[must_use]
    pub fn covers(&self, path: &Path) -> bool {
        let path = real(path);
        self.roots.iter().any(|root| path.starts_with(real(root)))
    }

    fn package_of(&mut self, folder: &Path) -> usize {
        if let Some(known) = self.by_folder.get(folder) {
            return *known;
        }
        let absolute = real(folder);
        let found = absolute.ancestors().find_map(|ancestor| {
            let manifest = ancestor.join("Cargo.toml");
            manifest
                .is_file()
                .then(|| Package::read(&manifest))
                .flatten()
        });
        let package = found.unwrap_or_else(|| Package::none(folder));
        let key = package.manifest.clone();
        let packages = &mut self.packages;
        let at = *self.by_manifest.entry(key).or_insert_with(|| {
            packages.push(package);
            packages.len() - 1
        });
        self.by_folder.insert(folder.to_owned(), at);
        at
    }
}

/// The same text for the same file, whatever way leads there.
#[must_use]
pub fn real(path: &Path) -> PathBuf {
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    path.canonicalize()
        .or_else(|_| std::path::absolute(path))
        .unwrap_or_else(|_| path.to_owned())
}

/// Cargo's folder of that name: a module may be called `target`, too.
fn is_target(entry: &ignore::DirEntry) -> bool {
    let path = entry.path();
    entry.depth() > 0
        && entry.file_name() == "target"
        && path.is_dir()
        && (path.join("CACHEDIR.TAG").exists()
            || path
                .parent()
                .is_some_and(|parent| parent.join("Cargo.toml").exists()))
}
