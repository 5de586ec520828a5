//! The files of a tree and the packages that they belong to.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::package::Package;
use crate::paths::real;

/// The paths that the user gave, walked.
#[derive(Debug, Default)]
pub struct Tree {
    /// What the user gave.
    pub roots: Vec<PathBuf>,
    /// The packages; files name them by position.
    pub packages: Vec<Package>,
    /// Each file with its package, in the order of paths.
    pub files: Vec<(PathBuf, usize)>,
    /// Folders that cannot be read, and links by the name of a source file that lead nowhere;
    /// with the reason.
    pub unreadable: Vec<(PathBuf, String)>,
    /// What the user gave that has no Rust source in it.
    pub barren: Vec<PathBuf>,
    by_folder: HashMap<PathBuf, usize>,
    by_manifest: BTreeMap<Option<PathBuf>, usize>,
}

impl Tree {
    /// Finds every `.rs` file under `roots`, but not in hidden folders and Cargo's `target`.
    ///
    /// # Errors
    ///
    /// Where one of the roots does not exist, or none of them has a source in it.
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
            let mut is_barren = true;
            for entry in walk {
                let entry = match entry {
                    Ok(entry) => entry,
                    Err(error) => {
                        is_barren = false;
                        tree.unreadable.push(trouble(&error, root));
                        continue;
                    }
                };
                let path = entry.path();
                let is_rust = path.extension().is_some_and(|end| end == "rs");
                let is_given = entry.depth() == 0;
                if is_rust && entry.path_is_symlink() && !path.exists() {
                    is_barren = false;
                    let why = "the link leads nowhere".to_owned();
                    tree.unreadable.push((path.to_owned(), why));
                }
                if !(is_rust || is_given) || !path.is_file() {
                    continue;
                }
                is_barren = false;
                if seen.insert(real(path)) {
                    found.insert(path.to_owned());
                }
            }
            if is_barren {
                tree.barren.push(root.clone());
            }
        }
        if tree.barren.len() == roots.len() {
            let paths: Vec<String> = roots
                .iter()
                .map(|root| root.display().to_string())
                .collect();
            return Err(Error::new(format!(
                "there is no Rust source in {}: give the folder of a package or a workspace",
                paths.join(", ")
            )));
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

    fn package_of(&mut self, folder: &Path) -> usize {
        if let Some(known) = self.by_folder.get(folder) {
            return *known;
        }
        let absolute = real(folder);
        let found = absolute.ancestors().find_map(|ancestor| {
            let manifest = ancestor.join("Cargo.toml");
            manifest
                .is_file()
                .then(|| Package::read(&self.shown(&manifest)))
                .flatten()
        });
        let mut package = found.unwrap_or_else(|| Package::none(folder));
        package.workspace = package.workspace.map(|root| self.shown(&real(&root)));
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

impl Tree {
    /// A path as the user would write it: by what was given, or from the current folder. The
    /// same for the same file.
    fn shown(&self, path: &Path) -> PathBuf {
        let by_root = |root: &PathBuf| {
            let rest = path.strip_prefix(real(root)).ok()?;
            (!rest.as_os_str().is_empty()).then(|| root.join(rest))
        };
        let given = self.roots.iter().find_map(by_root);
        given.unwrap_or_else(|| {
            let rest = path.strip_prefix(real(Path::new(".")));
            rest.unwrap_or(path).to_owned()
        })
    }
}

/// What cannot be read, and why, without the path.
fn trouble(error: &ignore::Error, root: &Path) -> (PathBuf, String) {
    let mut inner = error;
    let mut path = root.to_owned();
    loop {
        match inner {
            ignore::Error::WithPath { path: at, err } => {
                path.clone_from(at);
                inner = err;
            }
            ignore::Error::WithDepth { err, .. } => inner = err,
            _ => break,
        }
    }
    let io = inner.io_error();
    (path, io.map_or_else(|| inner.to_string(), reason))
}

/// The system's words, without what a library wrote before them.
fn reason(error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => std::io::Error::from_raw_os_error(code).to_string(),
        None => std::io::Error::from(error.kind()).to_string(),
    }
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
