//! Edits of Cargo.toml: the shim's feature `async`, the dependency on `neon_failpoint`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use toml_edit::{Array, DocumentMut, InlineTable, Item, TableLike, Value};

use crate::package::{
    Dependency, NATIVE, Package, Role, entry, get, has_feature, passes_failpoints,
};
use crate::paths::{relative, with_slashes, without_dots};
use crate::shim::{self, Shim};

/// A manifest before and after, and what was done to it.
#[derive(Debug, Clone)]
pub struct ManifestEdit {
    /// Where it is.
    pub path: PathBuf,
    /// Its text.
    pub before: String,
    /// What it becomes.
    pub after: String,
    /// What was added, in words.
    pub added: Vec<String>,
}

/// What a package's code needs after a rewrite.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// Code that needs `async_fail_point!` of the shim.
    pub shim_async: BTreeSet<Role>,
    /// Code that needs the crate `neon_failpoint`.
    pub native: BTreeSet<Role>,
    /// The native crate serves sites that needed no `fail` of the package: Neon's macros.
    pub beside_fail: bool,
}

/// The manifests of a project, as they are edited: a workspace's by several of its members.
#[derive(Debug)]
pub struct Manifests<'t> {
    /// The texts as they were at first.
    texts: &'t mut BTreeMap<PathBuf, Result<String, String>>,
    edited: BTreeMap<PathBuf, (DocumentMut, Vec<String>)>,
}

/// A table that gets a dependency, and the one on `fail` that it is to be like.
struct Place<'p> {
    table: Vec<String>,
    role: Role,
    like: Option<&'p Dependency>,
}

impl<'t> Manifests<'t> {
    /// For manifests whose first texts are kept in `texts`.
    pub fn new(texts: &'t mut BTreeMap<PathBuf, Result<String, String>>) -> Self {
        Manifests {
            texts,
            edited: BTreeMap::new(),
        }
    }

    /// Edits a package's manifest, and its workspace's, so that the package has what it needs.
    ///
    /// # Errors
    ///
    /// In words, where that cannot be done. Nothing of it is done then.
    pub fn edit(&mut self, package: &Package, needs: &Needs) -> Result<(), String> {
        let Some(path) = &package.manifest else {
            return Err(format!(
                "{} has no Cargo.toml, and cannot be checked",
                package.name
            ));
        };
        if package.trouble.is_some() {
            // The report has said why.
            return Err(format!("{} cannot be edited", path.display()));
        }
        let has_none = package.dependencies.is_empty() && package.native.is_empty();
        if !needs.shim_async.is_empty() && has_none {
            return Err(format!("{} has no dependency on `fail`", path.display()));
        }
        self.document(path)?;
        for dependency in serving(&package.dependencies, &needs.shim_async) {
            if !self.has(package, dependency, "async") {
                let (document, added) = self.document(path)?;
                if let Some(entry) = entry(document, dependency) {
                    add_feature(entry, "async");
                    added.push(format!("`async` to the features of `{}`", dependency.key));
                }
            }
        }
        if !needs.native.is_empty() {
            self.add_native(package, path, needs)?;
        }
        Ok(())
    }

    /// The manifests that are different now.
    #[must_use]
    pub fn edits(self) -> Vec<ManifestEdit> {
        let edited = self.edited.into_iter();
        let changed = edited.filter(|(_, (_, added))| !added.is_empty());
        changed
            .filter_map(|(path, (document, added))| {
                Some(ManifestEdit {
                    before: self.texts.get(&path)?.clone().ok()?,
                    after: document.to_string(),
                    path,
                    added,
                })
            })
            .collect()
    }

    /// A manifest as it is now, and what was added to it.
    fn document(&mut self, path: &Path) -> Result<&mut (DocumentMut, Vec<String>), String> {
        use std::collections::btree_map::Entry;

        match self.edited.entry(path.to_owned()) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(new) => {
                let text = self.texts.entry(path.to_owned()).or_insert_with(|| {
                    std::fs::read_to_string(path)
                        .map_err(|error| format!("cannot read {}: {error}", path.display()))
                });
                let document = text
                    .clone()?
                    .parse()
                    .map_err(|error| format!("{} is not a manifest: {error}", path.display()))?;
                Ok(new.insert((document, Vec::new())))
            }
        }
    }

    /// A package's entry for a dependency, and the workspace's that it takes over.
    fn entries(&mut self, package: &Package, dependency: &Dependency) -> Vec<Item> {
        let mut found = Vec::new();
        if let Some(path) = &package.manifest {
            let document = self.document(path).ok();
            found.extend(document.and_then(|(document, _)| entry(document, dependency).cloned()));
        }
        if found.iter().any(|own| get(own, "workspace").is_some()) {
            found.extend(self.shared(package, &dependency.key));
        }
        found
    }

    /// The entry of `[workspace.dependencies]`.
    fn shared(&mut self, package: &Package, key: &str) -> Option<Item> {
        let (root, _) = self.document(package.workspace.as_deref()?).ok()?;
        let shared = get(root.get("workspace")?, "dependencies")?;
        get(shared, key).cloned()
    }

    fn has(&mut self, package: &Package, dependency: &Dependency, feature: &str) -> bool {
        let entries = self.entries(package, dependency);
        entries.iter().any(|entry| has_feature(entry, feature))
    }

    fn add_native(&mut self, package: &Package, path: &Path, needs: &Needs) -> Result<(), String> {
        let key = package.native.first().map_or(NATIVE, |native| &native.key);
        let passing = |list: &Vec<String>| list.iter().any(|f| passes_failpoints(f, package));
        let passed_on = package.features.values().any(passing);
        let testing = |manifests: &mut Self, dependency: &Dependency| {
            manifests.has(package, dependency, "testing")
                || manifests.has(package, dependency, "failpoints")
        };
        let mut optional = false;
        // Whether all that gets it has `testing` without a feature of the package.
        let mut always = true;
        for place in self.places(package, needs) {
            let present = package.native.iter().find(|native| {
                native.table == place.table
                    || (native.table == ["dependencies"] && place.role != Role::Build)
            });
            if let Some(present) = present {
                always &= testing(self, present);
                continue;
            }
            let on = place.like.is_some_and(|like| testing(self, like));
            let on = on || (place.role == Role::Tests && !passed_on);
            always &= on;
            let place_optional = !needs.beside_fail && self.is_optional(package, &place);
            optional |= place_optional;
            let mut value = self.source(package, place.like)?;
            if place_optional {
                value.insert("optional", true.into());
            }
            if on {
                value.insert("features", Array::from_iter(["testing"]).into());
            }
            let value = Value::InlineTable(value);
            let words = value.to_string();
            let (document, added) = self.document(path)?;
            let mut table: &mut dyn TableLike = document.as_table_mut();
            for (depth, name) in place.table.iter().enumerate() {
                let mut new = toml_edit::table();
                if let (Some(new), true) = (new.as_table_mut(), depth + 1 < place.table.len()) {
                    new.set_implicit(true);
                }
                let inner = table.entry(name).or_insert(new).as_table_like_mut();
                table = inner.ok_or_else(|| {
                    format!(
                        "{}: [{}] is no table",
                        path.display(),
                        place.table.join(".")
                    )
                })?;
            }
            table.insert(NATIVE, Item::Value(value));
            let table = place.table.join(".");
            added.push(format!("`{NATIVE} = {}` to [{table}]", words.trim()));
        }
        let (document, added) = self.document(path)?;
        for (name, list) in &package.features {
            let items = document.get_mut("features").and_then(|f| f.get_mut(name));
            if let Some(items) = items.and_then(Item::as_array_mut) {
                for item in beside(package, list, key, optional) {
                    push(items, &item);
                    added.push(format!("`{item}` to the feature `{name}`"));
                }
            }
        }
        let any = |f: &String| is_testing(f, key);
        if !always && !passed_on && !package.features.values().flatten().any(any) {
            let features = document.entry("features").or_insert(toml_edit::table());
            if let Some(features) = features.as_table_like_mut() {
                let item = format!("{key}/testing");
                features.insert("testing", Item::Value(Array::from_iter([&item]).into()));
                added.push(format!("`{item}` to the feature `testing`"));
            }
        }
        Ok(())
    }

    /// Where the native crate goes: where the `fail` is that serves the same code, or where
    /// that code looks for dependencies.
    fn places<'p>(&mut self, package: &'p Package, needs: &Needs) -> Vec<Place<'p>> {
        let place = |like: &'p Dependency| Place {
            table: like.table.clone(),
            role: like.role(),
            like: Some(like),
        };
        let fails = |role: Role| {
            let of_role = package
                .dependencies
                .iter()
                .filter(move |d| d.role() == role);
            of_role.collect::<Vec<_>>()
        };
        let mut places = Vec::new();
        for role in &needs.native {
            let own = fails(*role);
            match role {
                // Neon's macros are in every build.
                Role::Normal if needs.beside_fail => places.push(Place {
                    table: vec!["dependencies".to_owned()],
                    role: Role::Normal,
                    like: own.first().copied(),
                }),
                Role::Normal if !own.is_empty() => {
                    places.extend(own.into_iter().map(place));
                    // A second entry has the tests' failpoints on.
                    for like in fails(Role::Tests) {
                        let (present, on) = (
                            !package.native.is_empty(),
                            self.has(package, like, "failpoints"),
                        );
                        places.extend((on && !present).then(|| place(like)));
                    }
                }
                // Code under `#[cfg(test)]`.
                Role::Normal if !fails(Role::Tests).is_empty() => {
                    places.extend(fails(Role::Tests).into_iter().map(place));
                }
                // What the library has, its tests see.
                Role::Tests if places.iter().any(|p: &Place<'_>| p.role != Role::Build) => {}
                _ if !own.is_empty() => places.extend(own.into_iter().map(place)),
                role => places.push(Place {
                    table: vec![
                        match role {
                            Role::Normal => "dependencies",
                            Role::Tests => "dev-dependencies",
                            Role::Build => "build-dependencies",
                        }
                        .to_owned(),
                    ],
                    role: *role,
                    like: None,
                }),
            }
        }
        places
    }

    /// Whether a build has the `fail` of the place only where a feature with `dep:fail` asks
    /// for it: the native crate is to be left out of the others, too.
    fn is_optional(&mut self, package: &Package, place: &Place<'_>) -> bool {
        place.like.is_some_and(|like| {
            let asked = format!("dep:{}", like.key);
            let entries = self.entries(package, like);
            let mut own = entries.iter().filter_map(|e| get(e, "optional")?.as_bool());
            own.any(|optional| optional) && package.features.values().flatten().any(|f| *f == asked)
        })
    }

    /// Where `neon_failpoint` comes from: the workspace's entry, which is added where that of
    /// `fail` is there, or the shim's own source: else there would be two tables.
    fn source(
        &mut self,
        package: &Package,
        like: Option<&Dependency>,
    ) -> Result<InlineTable, String> {
        let from_workspace = InlineTable::from_iter([("workspace", Value::from(true))]);
        if self.shared(package, NATIVE).is_some() {
            return Ok(from_workspace);
        }
        let like = like.or(package.dependencies.first());
        let entries = like.map_or_else(Vec::new, |like| self.entries(package, like));
        let Some((path, shared)) = package.workspace.as_deref().zip(entries.get(1)) else {
            return Ok(from_shim(package, package.manifest.as_deref()));
        };
        let mut value = from_shim(package, Some(path));
        if has_feature(shared, "failpoints") {
            value.insert("features", Array::from_iter(["testing"]).into());
        }
        let value = Value::InlineTable(value);
        let (root, added) = self.document(path)?;
        let table = root
            .get_mut("workspace")
            .and_then(|w| w.get_mut("dependencies"));
        if let Some(table) = table.and_then(Item::as_table_like_mut) {
            let words = value.to_string();
            table.insert(NATIVE, Item::Value(value));
            added.push(format!(
                "`{NATIVE} = {}` to [workspace.dependencies]",
                words.trim()
            ));
        }
        Ok(from_workspace)
    }
}

/// The source of the native crate in the manifest at `path`.
fn from_shim(package: &Package, path: Option<&Path>) -> InlineTable {
    let mut found = InlineTable::new();
    match (shim::of(package), path.and_then(Path::parent)) {
        (Some(Shim::Path(shim, absolute)), Some(folder)) => {
            if let Some(native) = shim::native_beside(&shim) {
                let path = if absolute {
                    with_slashes(&without_dots(&native))
                } else {
                    relative(folder, &native)
                };
                found.insert("path", path.as_str().into());
            }
        }
        (Some(Shim::Git(fields)), _) => {
            found.extend(
                fields
                    .into_iter()
                    .map(|(key, value)| (key, Value::from(value))),
            );
        }
        _ => {}
    }
    if found.is_empty() {
        found.insert("version", "0.1".into());
    }
    found
}

/// The entries that code of these roles sees: of the tests', their own first.
fn serving<'d>(dependencies: &'d [Dependency], roles: &BTreeSet<Role>) -> Vec<&'d Dependency> {
    let of = |role: Role| dependencies.iter().filter(move |d| d.role() == role);
    let mut found: Vec<&Dependency> = Vec::new();
    for role in roles {
        let order = match role {
            Role::Normal => [Role::Normal, Role::Tests, Role::Build],
            Role::Tests => [Role::Normal, Role::Tests, Role::Build],
            Role::Build => [Role::Build, Role::Normal, Role::Tests],
        };
        let first = order.into_iter().find(|role| of(*role).next().is_some());
        let serves = first.into_iter().flat_map(of);
        found.extend(
            serves
                .filter(|new| !found.contains(new))
                .collect::<Vec<_>>(),
        );
    }
    found
}

/// What a feature that does something with `fail` has to do with the native crate.
fn beside(package: &Package, list: &[String], key: &str, optional: bool) -> Vec<String> {
    let mut found = Vec::new();
    let of_fail = |name: &str| package.dependencies.iter().any(|d| d.key == name);
    let passing = |f: &&String| passes_failpoints(f, package);
    let strong = list.iter().filter(passing).any(|f| !f.contains('?'));
    let brings = list
        .iter()
        .any(|f| f.strip_prefix("dep:").is_some_and(of_fail));
    let asked = format!("dep:{key}");
    // `name/testing` brings it by itself.
    if optional && brings && !strong && !list.contains(&asked) {
        found.push(asked);
    }
    if list.iter().any(|f| passing(&f)) && !list.iter().any(|f| is_testing(f, key)) {
        let mark = if optional && !strong { "?" } else { "" };
        found.push(format!("{key}{mark}/testing"));
    }
    found
}

fn is_testing(feature: &str, key: &str) -> bool {
    feature.split_once('/').is_some_and(|(name, feature)| {
        name.trim_end_matches('?') == key && matches!(feature, "testing" | "failpoints")
    })
}

/// Adds a feature to a dependency's entry in any of its forms.
fn add_feature(entry: &mut Item, feature: &str) {
    if let Some(Value::String(version)) = entry.as_value() {
        let mut table = InlineTable::new();
        table.insert("version", version.value().as_str().into());
        let mut value = Value::InlineTable(table);
        *value.decor_mut() = version.decor().clone();
        *entry = Item::Value(value);
    }
    let features = entry
        .as_table_like_mut()
        .and_then(|table| table.get_mut("features"));
    if let Some(features) = features.and_then(Item::as_array_mut) {
        push(features, feature);
        return;
    }
    let features = Array::from_iter([feature]);
    if let Some(table) = entry.as_inline_table_mut() {
        // The blank before the brace belongs to the last value.
        if let Some((_, last)) = table.iter_mut().last() {
            last.decor_mut().set_suffix("");
        }
        table.insert("features", features.into());
    } else if let Some(table) = entry.as_table_like_mut() {
        table.insert("features", Item::Value(features.into()));
    }
}

/// Adds in the manner of the array's other lines. A comment behind the last one stays there.
fn push(array: &mut Array, text: &str) {
    let mut value = Value::from(text);
    let last = array.iter().last().map(|last| {
        let (prefix, suffix) = (last.decor().prefix(), last.decor().suffix());
        let text = |raw: Option<&toml_edit::RawString>| {
            raw.and_then(toml_edit::RawString::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        (text(prefix), text(suffix))
    });
    let Some((like, suffix)) = last else {
        array.push(value);
        return;
    };
    let before = match like.rsplit_once('\n') {
        Some((_, indent)) => format!("\n{indent}"),
        None if array.len() == 1 => " ".to_owned(),
        None => like,
    };
    let trailing = array.trailing().as_str().unwrap_or_default().to_owned();
    // Behind the last comma, or where there is none, behind the last value.
    let (comment, rest) = match (suffix.contains('#'), trailing.split_once('\n')) {
        (true, _) => (suffix.trim_end().to_owned(), None),
        (false, Some((comment, rest))) if comment.contains('#') => {
            (comment.to_owned(), Some(format!("\n{rest}")))
        }
        _ => (String::new(), None),
    };
    if suffix.contains('#') {
        let at = array.len() - 1;
        if let Some(last) = array.get_mut(at) {
            last.decor_mut().set_suffix("");
        }
        array.set_trailing("\n");
    }
    if let Some(rest) = rest {
        array.set_trailing(rest);
    }
    value.decor_mut().set_prefix(format!("{comment}{before}"));
    array.push_formatted(value);
}
