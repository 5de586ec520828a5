//! Edits of Cargo.toml: the shim's feature `async`, the dependency on `neon_failpoint`.

use std::path::{Path, PathBuf};

use toml_edit::{Array, DocumentMut, InlineTable, Item, Value};

use crate::package::{
    Dependency, NATIVE, Package, entry, get, has_feature, inherited, passes_failpoints,
};
use crate::paths::relative;
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
#[derive(Debug, Clone, Copy, Default)]
pub struct Needs {
    /// `async_fail_point!` of the shim.
    pub shim_async: bool,
    /// The crate `neon_failpoint`.
    pub native: bool,
    /// The native crate serves tests only.
    pub tests_only: bool,
    /// The native crate serves sites that needed no `fail` of the package: Neon's macros.
    pub beside_fail: bool,
}

/// The edit of a package's manifest, which says `before`, that gives the package what it
/// needs; `None` where it has all of it.
///
/// # Errors
///
/// In words, where the text is no manifest.
pub fn edit(
    package: &Package,
    path: &Path,
    before: &str,
    needs: Needs,
) -> Result<Option<ManifestEdit>, String> {
    let mut document: DocumentMut = before
        .parse()
        .map_err(|error| format!("{} is not a manifest: {error}", path.display()))?;
    let mut added = Vec::new();
    if needs.shim_async {
        for dependency in serving(&package.dependencies) {
            if add_async(&mut document, dependency, package) {
                added.push(format!("`async` to the features of `{}`", dependency.key));
            }
        }
    }
    if needs.native {
        add_native(&mut document, package, needs, &mut added);
    }
    if added.is_empty() {
        return Ok(None);
    }
    Ok(Some(ManifestEdit {
        path: path.to_owned(),
        before: before.to_owned(),
        after: document.to_string(),
        added,
    }))
}

/// The entries that code outside of tests sees; if there are none, those of the tests.
fn serving(dependencies: &[Dependency]) -> Vec<&Dependency> {
    let normal: Vec<&Dependency> = dependencies.iter().filter(|d| !d.is_dev()).collect();
    if normal.is_empty() {
        dependencies.iter().collect()
    } else {
        normal
    }
}

fn add_async(document: &mut DocumentMut, dependency: &Dependency, package: &Package) -> bool {
    let Some(entry) = entry(document, dependency) else {
        return false;
    };
    let inherited = get(entry, "workspace").is_some()
        && inherited(package, &dependency.key).is_some_and(|root| has_feature(&root, "async"));
    if inherited || has_feature(entry, "async") {
        return false;
    }
    if let Some(Value::String(version)) = entry.as_value() {
        let mut table = InlineTable::new();
        table.insert("version", version.value().as_str().into());
        let mut value = Value::InlineTable(table);
        *value.decor_mut() = version.decor().clone();
        *entry = Item::Value(value);
    }
    let Some(table) = entry.as_table_like_mut() else {
        return false;
    };
    match table.get_mut("features").and_then(Item::as_array_mut) {
        Some(features) => push(features, "async"),
        None => {
            let mut features = Array::new();
            features.push("async");
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
    }
    true
}

/// Adds in the manner of the array's other lines.
fn push(array: &mut Array, text: &str) {
    let mut value = Value::from(text);
    let like = array
        .iter()
        .last()
        .and_then(|last| last.decor().prefix()?.as_str());
    match like {
        Some(like) if !array.is_empty() => {
            let like = like.rsplit_once('\n').map_or_else(
                || {
                    if array.len() == 1 {
                        " ".to_owned()
                    } else {
                        like.to_owned()
                    }
                },
                |(_, indent)| format!("\n{indent}"),
            );
            value.decor_mut().set_prefix(like);
            array.push_formatted(value);
        }
        _ => array.push(value),
    }
}

fn add_native(
    document: &mut DocumentMut,
    package: &Package,
    needs: Needs,
    added: &mut Vec<String>,
) {
    let tests_only = needs.tests_only;
    let normal = document.get("dependencies").and_then(|t| get(t, NATIVE));
    let dev = document
        .get("dev-dependencies")
        .and_then(|t| get(t, NATIVE));
    let present = normal.is_some() || (tests_only && dev.is_some());
    let passes_on: Vec<String> = package
        .features
        .iter()
        .filter(|(_, list)| list.iter().any(|item| passes_failpoints(item, package)))
        .map(|(name, _)| name.clone())
        .collect();
    let always = package
        .dependencies
        .iter()
        .any(|dependency| is_always_on(document, dependency, package));
    let optional = !tests_only && !needs.beside_fail && is_optional(document, package);
    if !present {
        let table = if tests_only {
            "dev-dependencies"
        } else {
            "dependencies"
        };
        let mut value = source(package);
        if optional {
            value.insert("optional", true.into());
        }
        if tests_only || always {
            let mut features = Array::new();
            features.push("testing");
            value.insert("features", features.into());
        }
        let inline = Value::InlineTable(value);
        added.push(format!(
            "`{NATIVE} = {}` to [{table}]",
            inline.to_string().trim()
        ));
        let tables = document.entry(table).or_insert(toml_edit::table());
        if let Some(tables) = tables.as_table_like_mut() {
            tables.insert(NATIVE, Item::Value(inline));
        }
    }
    if tests_only || (always && !present) {
        return;
    }
    if optional {
        switch_on(document, package, &passes_on, added);
    }
    let names = if passes_on.is_empty() {
        if package.features.values().flatten().any(|f| is_testing(f)) || always {
            return;
        }
        vec!["testing".to_owned()]
    } else {
        passes_on
    };
    let features = document.entry("features").or_insert(toml_edit::table());
    let Some(features) = features.as_table_like_mut() else {
        return;
    };
    for name in names {
        let list = features
            .entry(&name)
            .or_insert(Item::Value(Array::new().into()));
        let Some(list) = list.as_array_mut() else {
            continue;
        };
        if !list
            .iter()
            .any(|item| item.as_str().is_some_and(is_testing))
        {
            let weak = |item: &str| item.contains('?') && passes_failpoints(item, package);
            let mark = match list.iter().filter_map(Value::as_str).any(weak) {
                true if optional => "?",
                _ => "",
            };
            let feature = format!("{NATIVE}{mark}/testing");
            push(list, &feature);
            added.push(format!("`{feature}` to the feature `{name}`"));
        }
    }
}

/// Whether a build has `fail` only where a feature with `dep:fail` asks for it: the native
/// crate is to be left out of the others, too.
fn is_optional(document: &DocumentMut, package: &Package) -> bool {
    let normal = package.dependencies.iter().filter(|d| !d.is_dev());
    let mut normal = normal.peekable();
    let asked_for = |dependency: &Dependency| {
        let item = format!("dep:{}", dependency.key);
        package.features.values().flatten().any(|f| *f == item)
    };
    normal.peek().is_some()
        && normal.all(|dependency| {
            let mut document = document.clone();
            let entry = entry(&mut document, dependency);
            let optional = entry.and_then(|entry| get(entry, "optional")?.as_bool());
            optional == Some(true) && asked_for(dependency)
        })
}

/// Has the features that bring `fail`, and not its failpoints, bring the native crate as well.
fn switch_on(
    document: &mut DocumentMut,
    package: &Package,
    passes_on: &[String],
    added: &mut Vec<String>,
) {
    let brings = |item: &String| {
        let name = item.strip_prefix("dep:");
        name.is_some_and(|name| package.dependencies.iter().any(|d| d.key == name))
    };
    let asked = format!("dep:{NATIVE}");
    let features = package.features.iter();
    for (name, list) in features.filter(|(_, list)| list.iter().any(brings)) {
        if passes_on.contains(name) || list.contains(&asked) {
            continue;
        }
        let list = document.get_mut("features").and_then(|f| f.get_mut(name));
        if let Some(list) = list.and_then(Item::as_array_mut) {
            push(list, &asked);
            added.push(format!("`{asked}` to the feature `{name}`"));
        }
    }
}

fn is_testing(feature: &str) -> bool {
    matches!(
        feature.split_once('/'),
        Some((
            "neon_failpoint" | "neon_failpoint?",
            "testing" | "failpoints"
        ))
    )
}

fn is_always_on(document: &DocumentMut, dependency: &Dependency, package: &Package) -> bool {
    let mut document = document.clone();
    let Some(entry) = entry(&mut document, dependency) else {
        return false;
    };
    let from_root = get(entry, "workspace").is_some()
        && inherited(package, &dependency.key).is_some_and(|root| has_feature(&root, "failpoints"));
    !dependency.is_dev() && (from_root || has_feature(entry, "failpoints"))
}

/// Where `neon_failpoint` comes from: the shim's own source, or there would be two tables.
fn source(package: &Package) -> InlineTable {
    let mut found = InlineTable::new();
    if inherited(package, NATIVE).is_some() {
        found.insert("workspace", true.into());
        return found;
    }
    let folder = package.manifest.as_deref().and_then(Path::parent);
    match (shim::of(package), folder) {
        (Some(Shim::Path(shim)), Some(folder)) => {
            if let Some(native) = shim::native_beside(&shim) {
                let path = relative(folder, &native);
                found.insert("path", path.as_str().into());
                return found;
            }
        }
        (Some(Shim::Git(fields)), _) => {
            for (key, value) in fields {
                found.insert(key, value.into());
            }
            return found;
        }
        _ => {}
    }
    found.insert("version", "0.1".into());
    found
}
