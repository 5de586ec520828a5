//! The package that stands in for `fail`: where it is, and whether it is in place.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item};

use crate::metadata;
use crate::package::{NATIVE, Package, entry, get, inherited, read};
use crate::paths::real;

/// Where a manifest takes it from.
#[derive(Debug)]
pub(crate) enum Shim {
    /// A folder, and whether its path is written from the root.
    Path(PathBuf, bool),
    /// A repository: the entry's fields.
    Git(Vec<(&'static str, String)>),
}

/// What a package's manifest and its workspace's say of `fail`.
struct Manifests<'p> {
    package: &'p Package,
    own: DocumentMut,
    own_path: &'p Path,
    root: DocumentMut,
    root_path: &'p Path,
}

/// The source of `fail`, if it is no registry: in the dependency, the workspace's, or a patch.
pub(crate) fn of(package: &Package) -> Option<Shim> {
    let manifests = Manifests::of(package)?;
    manifests.of_dependency().or_else(|| manifests.of_patch())
}

/// What a package has for `fail` instead, and what to write.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Missing {
    /// What it has: follows "the `fail` of NAME".
    has: String,
    /// What would be right.
    remedy: String,
}

/// Where the package that stands in for `fail` is not in place, in words.
#[must_use]
pub fn unswapped<'p>(packages: impl IntoIterator<Item = &'p Package>) -> Vec<String> {
    let mut asked = BTreeMap::new();
    let packages = packages.into_iter();
    words(packages.filter_map(|package| Some((missing(package, &mut asked)?, &*package.name))))
}

/// The same, where it is in place in none of the packages that have a `fail`.
#[must_use]
pub fn unswapped_in_all(packages: &[Package]) -> Vec<String> {
    let mut asked = BTreeMap::new();
    let users = packages
        .iter()
        .filter(|package| !package.dependencies.is_empty());
    let missing = users.map(|package| Some((missing(package, &mut asked)?, &*package.name)));
    missing
        .collect::<Option<Vec<_>>>()
        .map_or_else(Vec::new, words)
}

fn words<'p>(missing: impl IntoIterator<Item = (Missing, &'p str)>) -> Vec<String> {
    let mut found: BTreeMap<Missing, Vec<&str>> = BTreeMap::new();
    for (missing, name) in missing {
        found.entry(missing).or_default().push(name);
    }
    let words = found.into_iter().map(|(Missing { has, remedy }, names)| {
        format!("the `fail` of {} {has}; {remedy}", names.join(", "))
    });
    words.collect()
}

/// `None` where the package that stands in for `fail` is in place, or none is wanted.
fn missing(package: &Package, asked: &mut BTreeMap<PathBuf, bool>) -> Option<Missing> {
    if package.dependencies.is_empty() {
        return None;
    }
    let manifests = Manifests::of(package)?;
    let patch = manifests.of_patch();
    let (has, unfit) = match manifests.of_dependency() {
        Some(Shim::Path(folder, _)) if lacks_async(&folder) => (
            format!("is the published one, in {}", folder.display()),
            None,
        ),
        Some(_) => return None,
        None => match (manifests.unfit_version(), &patch) {
            (Some(version), Some(_)) => (format!("is asked for as {version:?}"), Some(())),
            (None, Some(Shim::Path(folder, _))) if lacks_async(folder) => {
                let folder = folder.display();
                (
                    format!("is the published one, by a patch in {folder}"),
                    None,
                )
            }
            (None, Some(_)) => return None,
            (_, None) => ("comes from a registry".to_owned(), None),
        },
    };
    // One lock file, one answer.
    let root = manifests.root_path.to_owned();
    let ask = || resolved_has_async(manifests.own_path, manifests.root_path);
    if *asked.entry(root).or_insert_with(ask) {
        return None;
    }
    let remedy = match unfit {
        Some(()) => format!(
            "the patch is for 0.5.1: write \"0.5\" in {}",
            manifests.own_path.display()
        ),
        None => format!(
            "it has no `async_fail_point!` and knows nothing of native failpoints: put the \
             package that stands in for it in its place first, with this in {}\n\n    \
             [patch.crates-io]\n    \
             fail = {{ path = \"PATH OF neon_failpoint/migration/fail\" }}\n",
            manifests.root_path.display()
        ),
    };
    Some(Missing { has, remedy })
}

impl<'p> Manifests<'p> {
    fn of(package: &'p Package) -> Option<Self> {
        let own_path = package.manifest.as_deref()?;
        let root_path = package.workspace.as_deref().unwrap_or(own_path);
        Some(Manifests {
            package,
            own: read(own_path).ok()?,
            own_path,
            root: read(root_path).ok()?,
            root_path,
        })
    }

    /// The entries of the dependencies, each with the manifest that it is in.
    fn entries(&self) -> Vec<(Item, &Path)> {
        let mut own = self.own.clone();
        let mut found = Vec::new();
        for dependency in &self.package.dependencies {
            found.extend(entry(&mut own, dependency).map(|entry| (entry.clone(), self.own_path)));
            let inherited = inherited(self.package, &dependency.key);
            found.extend(inherited.map(|entry| (entry, self.root_path)));
        }
        found
    }

    fn of_dependency(&self) -> Option<Shim> {
        let entries = self.entries();
        entries.iter().find_map(|(entry, path)| said(entry, path))
    }

    fn of_patch(&self) -> Option<Shim> {
        let patches = self.root.get("patch").and_then(Item::as_table_like)?;
        patches.iter().find_map(|(_, patches)| {
            let patches = patches.as_table_like()?;
            patches.iter().find_map(|(key, entry)| {
                let name = get(entry, "package").and_then(Item::as_str).unwrap_or(key);
                let is_fail = name == "fail";
                is_fail.then(|| said(entry, self.root_path)).flatten()
            })
        })
    }

    /// A version that a patch of 0.5.1 does not satisfy.
    fn unfit_version(&self) -> Option<String> {
        let entries = self.entries();
        let mut versions = entries.iter().filter_map(|(entry, _)| {
            let version = get(entry, "version").unwrap_or(entry);
            version.as_str().map(str::to_owned)
        });
        versions.find(|version| !version.split(',').all(|part| admits_the_shim(part.trim())))
    }
}

/// Whether a part of a requirement admits 0.5.1, as far as its first numbers tell.
fn admits_the_shim(part: &str) -> bool {
    let number = part.trim_start_matches(['^', '~', '=']).trim();
    part.starts_with(['<', '>', '*'])
        || number == "0"
        || number == "0.5"
        || number.starts_with("0.5.")
}

fn said(entry: &Item, manifest: &Path) -> Option<Shim> {
    // Cargo's own folder is without links, and what a manifest says comes behind it as it is.
    let folder = real(manifest.parent()?);
    if let Some(path) = get(entry, "path").and_then(Item::as_str) {
        return Some(Shim::Path(folder.join(path), Path::new(path).is_absolute()));
    }
    let fields: Vec<(&'static str, String)> = ["git", "branch", "tag", "rev"]
        .into_iter()
        .filter_map(|key| Some((key, get(entry, key)?.as_str()?.to_owned())))
        .collect();
    (!fields.is_empty()).then_some(Shim::Git(fields))
}

/// A copy of the `fail` crate itself. A manifest that cannot be read proves nothing.
fn lacks_async(folder: &Path) -> bool {
    let manifest = read(&folder.join("Cargo.toml"));
    manifest.is_ok_and(|manifest| {
        let features = manifest.get("features");
        features.is_none_or(|features| get(features, "async").is_none())
    })
}

/// Whether Cargo, which knows of more than manifests, takes a `fail` with `async`. Only where
/// a lock file says so: nothing is to change here.
fn resolved_has_async(manifest: &Path, root: &Path) -> bool {
    let packages = metadata::locked(root, manifest);
    packages.is_ok_and(|packages| {
        let mut packages = packages.into_iter().flatten();
        packages.any(|package| package.name == "fail" && package.features.contains_key("async"))
    })
}

/// The folder of `neon_failpoint`, from the shim's manifest.
pub(crate) fn native_beside(shim: &Path) -> Option<PathBuf> {
    let manifest = read(&shim.join("Cargo.toml")).ok()?;
    let entry = get(manifest.get("dependencies")?, NATIVE)?.as_table_like()?;
    let path = entry.get("path")?.as_str()?;
    Some(shim.join(path))
}
