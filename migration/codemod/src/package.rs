//! What a package's Cargo.toml says about `fail`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, TableLike};

use crate::paths::real;

/// A package, or the files that belong to none.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name; of files without a package, the folder's.
    pub name: String,
    /// Its Cargo.toml, if there is one.
    pub manifest: Option<PathBuf>,
    /// The workspace's Cargo.toml: its own where there is no other.
    pub workspace: Option<PathBuf>,
    /// The edition.
    pub edition: u16,
    /// Its dependencies on `fail`.
    pub dependencies: Vec<Dependency>,
    /// Its dependencies on the native crate.
    pub native: Vec<Dependency>,
    /// Names of other dependencies, as code has them; the native crate's among them.
    pub others: Vec<String>,
    /// Its features.
    pub features: BTreeMap<String, Vec<String>>,
    /// Why the manifest was not understood.
    pub trouble: Option<String>,
}

/// A dependency on `fail`, or on the native crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// The key in the table.
    pub key: String,
    /// The table: `dependencies`, or `target`, the condition and `dependencies`.
    pub table: Vec<String>,
}

impl Dependency {
    /// The name that code has for it.
    #[must_use]
    pub fn code_name(&self) -> String {
        self.key.replace('-', "_")
    }

    /// Which code sees it.
    #[must_use]
    pub fn role(&self) -> Role {
        match self.table.last().map(String::as_str) {
            Some("dev-dependencies") => Role::Tests,
            Some("build-dependencies") => Role::Build,
            _ => Role::Normal,
        }
    }
}

/// What code is for, which decides what dependencies it sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The library and the programs.
    Normal,
    /// Tests, examples and benchmarks.
    Tests,
    /// The build script.
    Build,
}

/// The native crate.
pub(crate) const NATIVE: &str = "neon_failpoint";

/// The kinds of dependency tables.
pub(crate) const TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

impl Package {
    /// A package for files without a Cargo.toml.
    #[must_use]
    pub fn none(folder: &Path) -> Package {
        Package {
            name: match folder.as_os_str().is_empty() {
                true => ".".to_owned(),
                false => folder.display().to_string(),
            },
            manifest: None,
            workspace: None,
            edition: 2021,
            dependencies: Vec::new(),
            native: Vec::new(),
            others: Vec::new(),
            features: BTreeMap::new(),
            trouble: None,
        }
    }

    /// Reads the package of a manifest; `None` where it is a workspace's only.
    #[must_use]
    pub fn read(manifest: &Path) -> Option<Package> {
        let folder = manifest.parent().unwrap_or(Path::new("."));
        let mut package = Package::none(folder);
        package.manifest = Some(manifest.to_owned());
        package.workspace = Some(manifest.to_owned());
        let document = match read(manifest) {
            Ok(document) => document,
            Err(trouble) => {
                package.trouble = Some(trouble);
                return Some(package);
            }
        };
        let own = document.get("package")?.as_table_like()?;
        if let Some(name) = own.get("name").and_then(Item::as_str) {
            name.clone_into(&mut package.name);
        }
        let root = workspace_of(manifest, &document);
        let inherited = root.as_deref().and_then(|root| read(root).ok());
        let inherited = inherited
            .as_ref()
            .and_then(|root| root.get("workspace"))
            .and_then(Item::as_table_like);
        package.edition = edition(own, inherited);
        for (table, entries) in dependency_tables(&document) {
            for (key, entry) in entries.iter() {
                let from_workspace = inherited
                    .and_then(|root| root.get("dependencies"))
                    .and_then(|dependencies| dependencies.get(key))
                    .filter(|_| get(entry, "workspace").is_some());
                let real = get(entry, "package")
                    .or_else(|| get(from_workspace?, "package"))
                    .and_then(Item::as_str)
                    .unwrap_or(key);
                let dependency = Dependency {
                    key: key.to_owned(),
                    table: table.clone(),
                };
                if real == "fail" {
                    package.dependencies.push(dependency);
                } else {
                    package.others.push(dependency.code_name());
                    if real == NATIVE {
                        package.native.push(dependency);
                    }
                }
            }
        }
        if let Some(features) = document.get("features").and_then(Item::as_table_like) {
            for (name, list) in features.iter() {
                let list = list.as_array().into_iter().flatten();
                let list = list.filter_map(|value| value.as_str().map(str::to_owned));
                package.features.insert(name.to_owned(), list.collect());
            }
        }
        package.workspace = root.or(package.workspace);
        Some(package)
    }

    /// The names that code has for `fail` by the manifest. Without one: `fail`.
    #[must_use]
    pub fn declared_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .dependencies
            .iter()
            .map(Dependency::code_name)
            .collect();
        let unknown = self.manifest.is_none() || self.trouble.is_some();
        if names.is_empty() && unknown {
            names.push("fail".to_owned());
        }
        names.dedup();
        names
    }

    /// The names that code has, or is to have, for the native crate; at least one.
    #[must_use]
    pub fn native_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.native.iter().map(Dependency::code_name).collect();
        if !names.iter().any(|name| name == NATIVE) {
            names.push(NATIVE.to_owned());
        }
        names
    }

    /// Those, and `fail` where nothing else of that name is known: a path that begins with it is meant to be the crate's, whatever the manifest forgot.
    #[must_use]
    pub fn fail_names(&self) -> Vec<String> {
        let mut names = self.declared_names();
        let taken = self.others.iter().any(|other| other == "fail");
        if names.is_empty() && !taken {
            names.push("fail".to_owned());
        }
        names
    }
}

/// Reads a manifest.
///
/// # Errors
///
/// In words, where it cannot be read or is not TOML.
pub fn read(manifest: &Path) -> Result<DocumentMut, String> {
    let text = std::fs::read_to_string(manifest)
        .map_err(|error| format!("cannot read {}: {error}", manifest.display()))?;
    text.parse::<DocumentMut>()
        .map_err(|error| format!("{} is not a manifest: {error}", manifest.display()))
}

/// A field of a dependency in any of its forms; `None` for `name = "version"`.
#[must_use]
pub fn get<'i>(entry: &'i Item, field: &str) -> Option<&'i Item> {
    entry.as_table_like()?.get(field)
}

/// The entry of a dependency in its package's manifest.
pub(crate) fn entry<'d>(
    document: &'d mut DocumentMut,
    dependency: &Dependency,
) -> Option<&'d mut Item> {
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for name in &dependency.table {
        table = table.get_mut(name)?.as_table_like_mut()?;
    }
    table.get_mut(&dependency.key)
}

/// Whether a dependency's entry has the feature.
pub(crate) fn has_feature(entry: &Item, feature: &str) -> bool {
    get(entry, "features")
        .and_then(Item::as_array)
        .is_some_and(|features| features.iter().any(|f| f.as_str() == Some(feature)))
}

/// The entry of `[workspace.dependencies]`.
pub(crate) fn inherited(package: &Package, key: &str) -> Option<Item> {
    let root = read(package.workspace.as_deref()?).ok()?;
    let table = get(root.get("workspace")?, "dependencies")?;
    get(table, key).cloned()
}

/// `fail/failpoints`, by whatever name.
pub(crate) fn passes_failpoints(feature: &str, package: &Package) -> bool {
    feature.split_once('/').is_some_and(|(name, feature)| {
        let name = name.trim_end_matches('?');
        feature == "failpoints" && package.dependencies.iter().any(|d| d.key == name)
    })
}

/// All tables of dependencies, with their paths.
fn dependency_tables(document: &DocumentMut) -> Vec<(Vec<String>, &dyn TableLike)> {
    let mut found = Vec::new();
    for name in TABLES {
        if let Some(table) = document.get(name).and_then(Item::as_table_like) {
            found.push((vec![name.to_owned()], table));
        }
    }
    let targets = document.get("target").and_then(Item::as_table_like);
    for (condition, target) in targets.into_iter().flat_map(TableLike::iter) {
        for name in TABLES {
            if let Some(table) = get(target, name).and_then(Item::as_table_like) {
                let path = ["target", condition, name].map(str::to_owned);
                found.push((path.to_vec(), table));
            }
        }
    }
    found
}

fn edition(own: &dyn TableLike, workspace: Option<&dyn TableLike>) -> u16 {
    let item = match own.get("edition") {
        None => return 2015,
        Some(item) if get(item, "workspace").is_some() => workspace
            .and_then(|root| root.get("package"))
            .and_then(|package| get(package, "edition")),
        own => own,
    };
    item.and_then(Item::as_str)
        .and_then(|text| text.parse().ok())
        .unwrap_or(2021)
}

/// The workspace's root: said in the package, or the next one upwards.
fn workspace_of(manifest: &Path, document: &DocumentMut) -> Option<PathBuf> {
    if document.get("workspace").is_some() {
        return Some(manifest.to_owned());
    }
    let folder = manifest.parent()?;
    let said = document
        .get("package")
        .and_then(|package| get(package, "workspace"))
        .and_then(Item::as_str);
    if let Some(said) = said {
        return Some(folder.join(said).join("Cargo.toml"));
    }
    let folder = real(folder);
    folder.ancestors().skip(1).find_map(|above| {
        let candidate = above.join("Cargo.toml");
        let document = read(&candidate).ok()?;
        let workspace = document.get("workspace")?;
        let excluded = get(workspace, "exclude")
            .and_then(Item::as_array)
            .into_iter()
            .flatten()
            .filter_map(|path| path.as_str())
            .any(|path| folder.starts_with(above.join(path)));
        (!excluded).then_some(candidate)
    })
}
