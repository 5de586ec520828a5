//! A tree, read: every file's facts, and which file declares which.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::Error;
use crate::facts::{Facts, Kind};
use crate::package::Package;
use crate::paths::real;
use crate::reason::Reason;
use crate::source::{Source, Unparsed};
use crate::tree::Tree;
use crate::visit::{self, Names};

/// Everything that the decisions need.
#[derive(Debug)]
pub struct Project {
    /// What the user gave.
    pub roots: Vec<PathBuf>,
    /// The packages.
    pub packages: Vec<Package>,
    /// The files, in the order of paths; those that another file reaches come last.
    pub files: Vec<File>,
    /// Files that are not text, and where that shows.
    pub no_text: Vec<(PathBuf, Unparsed)>,
    /// Files and folders that could not be read, with the reason.
    pub unreadable: Vec<(PathBuf, String)>,
    /// Files that are reached, but lie outside of what the user gave.
    pub outside: Vec<PathBuf>,
    /// What the user gave that has no Rust source in it.
    pub barren: Vec<PathBuf>,
}

/// One file.
#[derive(Debug)]
pub struct File {
    /// Its text.
    pub source: Source,
    /// Its package.
    pub package: usize,
    /// Further packages that reach it with `#[path]` or `include!`.
    pub also: Vec<usize>,
    /// What it holds.
    pub facts: Facts,
    /// Why it does not parse.
    pub unparsed: Option<Unparsed>,
    /// The file and the scope that declare it.
    pub parent: Option<(usize, usize)>,
    /// Its name as a module.
    pub module: String,
    /// Whether the module is a `pub mod`.
    pub exported: bool,
}

/// Told how many files of how many are done.
pub type Progress<'p> = &'p (dyn Fn(usize, usize) + Sync);

impl Project {
    /// Reads what is at some paths. `wrappers` are the names that `--macro` gave.
    ///
    /// # Errors
    ///
    /// Where a root does not exist, or none of them has a source in it. What cannot be read is
    /// in [`Project::unreadable`].
    pub fn read(
        roots: &[PathBuf],
        wrappers: &[String],
        progress: Progress<'_>,
    ) -> Result<Project, Error> {
        Ok(Project::of(Tree::walk(roots)?, wrappers, progress))
    }

    /// Reads a tree.
    #[must_use]
    pub fn of(mut tree: Tree, wrappers: &[String], progress: Progress<'_>) -> Project {
        let mut unreadable = std::mem::take(&mut tree.unreadable);
        let mut sources = Vec::new();
        let mut no_text = Vec::new();
        for (path, package) in &tree.files {
            match Source::read(path) {
                Ok((_, Some(unparsed))) => no_text.push((path.clone(), unparsed)),
                Ok((source, None)) => sources.push((source, *package)),
                Err(error) => unreadable.push((path.clone(), error.to_string())),
            }
        }
        let aliases = sources.iter().flat_map(|(source, _)| aliases(&source.text));
        let names = Names::new(wrappers.iter().cloned(), aliases);
        let mut project = Project {
            roots: std::mem::take(&mut tree.roots),
            files: analyse(sources, &tree.packages, &names, progress),
            packages: Vec::new(),
            no_text,
            unreadable,
            outside: Vec::new(),
            barren: std::mem::take(&mut tree.barren),
        };
        project.reach(&mut tree, &names);
        project.packages = tree.packages;
        project
    }

    /// Follows `mod name;`, `#[path]` and `include!` to the files they name.
    fn reach(&mut self, tree: &mut Tree, names: &Names) {
        let mut known: HashMap<PathBuf, usize> = HashMap::new();
        for (at, file) in self.files.iter().enumerate() {
            known.insert(real(&file.source.path), at);
        }
        let mut at = 0;
        while at < self.files.len() {
            for (path, link) in self.links(at) {
                let key = real(&path);
                let target = match known.get(&key) {
                    Some(target) => *target,
                    None if !path.is_file() => continue,
                    None if !self.covers(&path) => {
                        // Who gives a file means that file.
                        let from = self.files.get(at).map(|file| &file.source.path);
                        let given = from.is_some_and(|from| self.roots.contains(from));
                        if !given && !self.outside.contains(&path) {
                            self.outside.push(path);
                        }
                        continue;
                    }
                    None => {
                        let Ok((source, None)) = Source::read(&path) else {
                            continue;
                        };
                        let added = tree.add(path);
                        let package = tree.files.get(added).map_or(0, |(_, package)| *package);
                        let one = vec![(source, package)];
                        self.files
                            .extend(analyse(one, &tree.packages, names, &|_, _| ()));
                        known.insert(key, self.files.len() - 1);
                        self.files.len() - 1
                    }
                };
                if target != at {
                    self.connect(at, target, link);
                }
            }
            at += 1;
        }
    }

    fn connect(&mut self, from: usize, to: usize, link: Link) {
        let package = self.files.get(from).map_or(0, |file| file.package);
        let Some(file) = self.files.get_mut(to) else {
            return;
        };
        if file.package != package && !file.also.contains(&package) {
            file.also.push(package);
        }
        match link {
            Link::Module(scope, name, exported) => {
                file.exported = exported;
                file.parent.get_or_insert((from, scope));
                if file.module.is_empty() {
                    file.module = name;
                }
            }
            Link::Included(into, item) => {
                file.parent.get_or_insert((from, 0));
                if !item {
                    // Statements are no file to the parser, and no mistake either.
                    file.unparsed = None;
                }
                for site in &mut file.facts.sites {
                    if matches!(site.obstacle, Some(Reason::Included(_) | Reason::Unparsed)) {
                        site.obstacle = Some(Reason::Included(into.clone()));
                        site.body = "included file";
                    }
                }
            }
        }
    }

    fn links(&self, at: usize) -> Vec<(PathBuf, Link)> {
        let Some(file) = self.files.get(at) else {
            return Vec::new();
        };
        let path = &file.source.path;
        let folder = path.parent().unwrap_or(Path::new(""));
        let stem = path.file_stem().unwrap_or_default();
        let below = folder.join(stem);
        let is_root = stem == "mod" || stem == "lib" || stem == "main";
        let mut found = Vec::new();
        for module in &file.facts.modules {
            let inside: PathBuf = module.inside.iter().collect();
            let mut places = vec![folder.join(&inside)];
            // `tests/a.rs` is a root, too, but nothing in its name says so.
            places.insert(usize::from(is_root), below.join(&inside));
            let candidates: Vec<PathBuf> = match &module.path {
                Some(path) if module.inside.is_empty() => vec![folder.join(path)],
                Some(path) => places.iter().map(|place| place.join(path)).collect(),
                None => places
                    .iter()
                    .flat_map(|place| {
                        [
                            place.join(format!("{}.rs", module.name)),
                            place.join(&module.name).join("mod.rs"),
                        ]
                    })
                    .collect(),
            };
            let existing = candidates.into_iter().find(|path| path.is_file());
            if let Some(path) = existing {
                let link = Link::Module(module.scope, module.name.clone(), module.exported);
                found.push((path, link));
            }
        }
        for include in &file.facts.includes {
            let line = file.source.position(include.at).line;
            let into = format!("{} at {}:{line}", include.into, path.display());
            let target = folder.join(&include.path);
            found.push((target, Link::Included(into, include.item)));
        }
        found
    }
}

impl Project {
    /// Whether all sources of a package were given.
    pub(crate) fn sees_all(&self, package: usize) -> bool {
        let package = self.packages.get(package);
        let manifest = package.and_then(|package| package.manifest.as_deref());
        let Some(folder) = manifest.and_then(Path::parent) else {
            return true;
        };
        self.covers(&folder.join("src"))
    }

    /// Whether modules that were not given may use the file's private imports.
    pub(crate) fn reaches_unseen(&self, file: usize) -> bool {
        let file = self.files.get(file);
        file.is_some_and(|file| !file.facts.modules.is_empty() && !self.sees_all(file.package))
    }

    /// Whether one of the given paths holds the file or folder.
    pub(crate) fn covers(&self, path: &Path) -> bool {
        let path = real(path);
        self.roots.iter().any(|root| path.starts_with(real(root)))
    }
}

enum Link {
    Module(usize, String, bool),
    Included(String, bool),
}

/// Names that imports give to the macros, and what these are.
fn aliases(text: &str) -> Vec<(String, Kind)> {
    let macros = [
        ("fail_point as ", Kind::FailPoint),
        ("async_fail_point as ", Kind::AsyncFailPoint),
        ("pausable_failpoint as ", Kind::Pausable),
        ("sleep_millis_async as ", Kind::SleepMillis),
        ("failpoint as ", Kind::Native),
        ("fail_point_with_context as ", Kind::WithContext),
        ("fail_point_sync as ", Kind::Sync),
        ("fail_point_with_context_sync as ", Kind::SyncWithContext),
    ];
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (words, kind) in macros {
        for (at, _) in text.match_indices(words) {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let rest = text.get(at + words.len()..).unwrap_or_default();
            let name = rest.split(|c| !is_word(c)).next().unwrap_or_default();
            if !before.is_some_and(is_word) && !name.is_empty() && name != "_" {
                found.push((name.to_owned(), kind));
            }
        }
    }
    found
}

/// The facts of all sources, read on every core. The order stays.
fn analyse(
    sources: Vec<(Source, usize)>,
    packages: &[Package],
    names: &Names,
    progress: Progress<'_>,
) -> Vec<File> {
    let total = sources.len();
    let next = AtomicUsize::new(0);
    let done = AtomicUsize::new(0);
    let results = Mutex::new(BTreeMap::new());
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get());
    std::thread::scope(|scope| {
        let work = || {
            loop {
                // Only hands out numbers: nothing else is read through it.
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some((source, package)) = sources.get(at) else {
                    return;
                };
                let edition = packages.get(*package).map_or(2021, |p| p.edition);
                let result = visit::facts(source, names, edition);
                let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                results.insert(at, result);
                drop(results);
                progress(done.fetch_add(1, Ordering::Relaxed) + 1, total);
            }
        };
        for _ in 0..threads.min(total) {
            // Parsers recurse: deep nesting needs more than a thread's usual stack.
            let thread = std::thread::Builder::new().stack_size(256 << 20);
            if thread.spawn_scoped(scope, work).is_err() {
                work();
            }
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    let files = sources
        .into_iter()
        .enumerate()
        .map(|(at, (source, package))| {
            let (facts, unparsed) = results.remove(&at).unwrap_or_default();
            File {
                source,
                package,
                also: Vec::new(),
                facts,
                unparsed,
                parent: None,
                module: String::new(),
                exported: false,
            }
        });
    files.collect()
}
