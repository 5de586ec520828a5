//! Holds `src/` to its plan: folders import downwards, files in no circle, those of the engine in the
//! order of its page, and a folder's page only declares. It reads tokens, so that what is behind a
//! `#[cfg]` or in a macro's argument counts.
//!
//! Alone because it is the same in every build, and needs nothing of the library but its source.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// What each folder, or file beside them, may import besides itself.
const PLAN: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("engine", &["error"]),
    ("hit", &["engine", "error"]),
    ("control", &["engine", "error", "hit"]),
    ("macros", &["engine", "hit"]),
    ("compat", &["engine", "error", "hit", "macros"]),
    ("explore", &["control", "engine", "error"]),
    ("http", &["control", "engine", "error"]),
    (
        "failpoint_support",
        &["compat", "control", "engine", "macros"],
    ),
];

/// The files of `src/`, by their path there.
type Sources = BTreeMap<String, Source>;

type Module = Vec<String>;

#[derive(Clone)]
struct Source {
    text: String,
    named: Vec<Named>,
    /// What it says against a folder's page, if it is one.
    defines: Option<String>,
}

impl Source {
    fn new(file: &str, text: String) -> Self {
        let tokens: TokenStream = text.parse().unwrap();
        let mut named = Vec::new();
        collect(tokens.clone(), &module_of(file), &mut named);
        let defines = is_page(file).then(|| defines(file, tokens)).flatten();
        Self {
            text,
            named,
            defines,
        }
    }
}

fn sources() -> Sources {
    fn read(folder: &Path, root: &Path, sources: &mut Sources) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, root, sources);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap();
                let name = name.replace(std::path::MAIN_SEPARATOR, "/");
                let source = Source::new(&name, std::fs::read_to_string(&path).unwrap());
                sources.insert(name, source);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Sources::new();
    read(&root, &root, &mut sources);
    sources
}

fn module_of(file: &str) -> Module {
    let path = file.strip_suffix(".rs").unwrap();
    let path = path.strip_suffix("/mod").unwrap_or(path);
    let path = if path == "lib" { "" } else { path };
    path.split('/')
        .filter(|s| !s.is_empty())
        .map(str::to_owned)
        .collect()
}

fn is_page(file: &str) -> bool {
    file == "lib.rs" || file.ends_with("/mod.rs")
}

/// A path that a file names, from the crate's root on, with its line.
#[derive(Clone, Debug)]
struct Named {
    path: Module,
    line: usize,
}

fn is(tree: Option<&TokenTree>, text: &str) -> bool {
    match tree {
        Some(TokenTree::Ident(ident)) => *ident == text,
        Some(TokenTree::Punct(punct)) => punct.as_char().to_string() == text,
        _ => false,
    }
}

/// Collects the paths that begin with `crate`, `self` or `super`. Inside a `mod name {..}` those are
/// relative to that module.
fn collect(tokens: TokenStream, module: &Module, named: &mut Vec<Named>) {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Group(group) => {
                let mut inner = module.clone();
                if let (Some(TokenTree::Ident(name)), true) = (
                    at.checked_sub(1).map(|before| &trees[before]),
                    at >= 2 && is(trees.get(at - 2), "mod"),
                ) {
                    inner.push(name.to_string());
                }
                collect(group.stream(), &inner, named);
            }
            TokenTree::Ident(first) => {
                // `$crate` is a path of whoever calls the macro.
                let is_first =
                    at == 0 || !(is(trees.get(at - 1), ":") || is(trees.get(at - 1), "$"));
                let mut start = module.clone();
                match first.to_string().as_str() {
                    _ if !is_first || !is(trees.get(at + 1), ":") => continue,
                    "crate" => start.clear(),
                    "self" => {}
                    "super" => drop(start.pop()),
                    _ => continue,
                }
                follow(&trees[at + 1..], start, first.span().start().line, named);
            }
            _ => {}
        }
    }
}

/// Follows `::a::b`, or a tree of such paths, from `path` on.
fn follow(trees: &[TokenTree], mut path: Module, line: usize, named: &mut Vec<Named>) {
    let mut rest = trees;
    let mut line = line;
    while let [colon, _, next, ..] = rest {
        if !is(Some(colon), ":") {
            break;
        }
        line = next.span().start().line;
        match next {
            TokenTree::Ident(ident) if *ident == "super" => drop(path.pop()),
            TokenTree::Ident(ident) => path.push(ident.to_string()),
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                let inside: Vec<TokenTree> = group.stream().into_iter().collect();
                for branch in inside.split(|tree| is(Some(tree), ",")) {
                    if let [TokenTree::Ident(first), more @ ..] = branch {
                        let mut path = path.clone();
                        if *first != "self" {
                            path.push(first.to_string());
                        }
                        follow(more, path, first.span().start().line, named);
                    }
                }
                return;
            }
            _ => break,
        }
        rest = &rest[3..];
    }
    named.push(Named { path, line });
}

/// What breaks the plan, each with file and line.
fn broken(sources: &Sources) -> Vec<String> {
    let files: BTreeMap<Module, &str> =
        sources.keys().map(|f| (module_of(f), f.as_str())).collect();
    let order = order(&sources["engine/mod.rs"].text);
    let mut broken = Vec::new();
    let mut imports: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for (file, source) in sources {
        broken.extend(source.defines.clone());
        for Named { path, line } in &source.named {
            let line = *line;
            let known = (0..=path.len()).rev().find_map(|n| files.get(&path[..n]));
            let target = match known {
                // All that is at the crate's root and in no file is the macros.
                Some(&"lib.rs") if path.len() == 1 => {
                    let begins = format!("macro_rules! {}", path[0]);
                    let is_macro = |source: &Source| source.text.contains(&begins);
                    if !sources.values().any(is_macro) {
                        broken.push(format!(
                            "src/{file}:{line}: `crate::{}` goes through lib.rs; expected where it is",
                            path[0]
                        ));
                    }
                    "macros/mod.rs"
                }
                Some(target) => target,
                None => continue,
            };
            let (from, to) = (folder(file), folder(target));
            if file == "lib.rs" || target == file || target == "lib.rs" {
                continue;
            }
            let allowed = PLAN.iter().find(|(name, _)| *name == from);
            let allowed = allowed.unwrap_or_else(|| panic!("src/{file} has no place in the plan"));
            if from != to && !allowed.1.contains(&to) {
                broken.push(format!(
                    "src/{file}:{line}: `{from}` imports `{to}`; it may import only {:?}",
                    allowed.1
                ));
            }
            if from == to && is_page(target) {
                broken.push(format!("src/{file}:{line}: imports its own folder's page"));
            }
            if (from, to) == ("engine", "engine") && !is_page(file) {
                broken.extend(against(&order, file, target, line));
            }
            // Between folders the plan leaves no circle.
            if from == to && !is_page(file) {
                imports
                    .entry(file)
                    .or_default()
                    .entry(target)
                    .or_insert(line);
            }
        }
    }
    broken.extend(circles(&imports));
    broken
}

/// The engine's files, from the top down, by the table on its page: those of one row together.
fn order(page: &str) -> Vec<Vec<String>> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("//! | `"));
    let first = rows.filter_map(|row| row.split_once("` |"));
    let names = |names: &str| names.split("`, `").map(str::to_owned).collect();
    first.map(|(row, _)| names(row)).collect()
}

/// Whether an import runs against that order.
fn against(order: &[Vec<String>], file: &str, target: &str, line: usize) -> Option<String> {
    let [from, to] = [file, target].map(|file| {
        let name = file.split(['/', '.']).nth(1).unwrap();
        let row = order.iter().position(|row| row.iter().any(|n| n == name));
        row.unwrap_or_else(|| panic!("src/{file} is not in the table of src/engine/mod.rs"))
    });
    let text = "is below what it imports in the table of src/engine/mod.rs";
    (from > to).then(|| format!("src/{file}:{line}: {text}, {target}"))
}

fn folder(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap()
}

/// Items in a folder's page other than declarations.
fn defines(file: &str, tokens: TokenStream) -> Option<String> {
    let mut trees = tokens.into_iter().peekable();
    while let Some(tree) = trees.next() {
        let TokenTree::Ident(ident) = &tree else {
            continue;
        };
        match ident.to_string().as_str() {
            "fn" | "impl" | "static" | "const" | "enum" | "trait" | "macro_rules" => {}
            // lib.rs has one, which only carries the README.
            "struct" if file != "lib.rs" => {}
            // Up to the end of the declaration: a `use` may name anything.
            "mod" | "use" => {
                trees.by_ref().find(|t| {
                    is(Some(t), ";")
                        || matches!(t, TokenTree::Group(g) if g.delimiter() == Delimiter::Brace)
                });
                continue;
            }
            _ => continue,
        }
        let line = ident.span().start().line;
        return Some(format!(
            "src/{file}:{line}: a page only declares; `{ident}` defines"
        ));
    }
    None
}

/// Files that import each other in a circle: the `use` that closes each.
fn circles(imports: &BTreeMap<&str, BTreeMap<&str, usize>>) -> Vec<String> {
    fn visit<'a>(
        file: &'a str,
        imports: &BTreeMap<&'a str, BTreeMap<&'a str, usize>>,
        way: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
        found: &mut Vec<String>,
    ) {
        way.push(file);
        for (target, line) in imports.get(file).into_iter().flatten() {
            if let Some(start) = way.iter().position(|f| f == target) {
                let circle = way[start..].join(" -> ");
                found.push(format!("src/{file}:{line}: closes {circle} -> {target}"));
            } else if !done.contains(target) {
                visit(target, imports, way, done, found);
            }
        }
        way.pop();
        done.insert(file);
    }
    let (mut done, mut found) = (BTreeSet::new(), Vec::new());
    for file in imports.keys() {
        if !done.contains(file) {
            visit(file, imports, &mut Vec::new(), &mut done, &mut found);
        }
    }
    found
}

#[test]
fn src_follows_its_plan() {
    let broken = broken(&sources());
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_import_that_is_turned_round_is_found() {
    let sources = sources();
    for (file, line, complaint) in [
        (
            "engine/point.rs",
            "use crate::hit::failpoint_blocking;",
            "`engine` imports `hit`",
        ),
        (
            "engine/point.rs",
            "use super::super::control::arm;",
            "`engine` imports `control`",
        ),
        (
            "hit/blocking.rs",
            "#[cfg(loom)] use crate::control::{list, release};",
            "imports `control`",
        ),
        (
            "control/arm.rs",
            "use crate::compat::cfg;",
            "`control` imports `compat`",
        ),
        (
            "engine/waiters.rs",
            "fn f() { crate::engine::wait::block() }",
            "closes engine/wait",
        ),
        (
            "engine/trie.rs",
            "use super::table::Table;",
            "closes engine/",
        ),
        (
            "engine/trie.rs",
            "mod tests { use super::super::table::Table; }",
            "closes engine/",
        ),
        (
            "engine/name.rs",
            "fn f() { assert!(crate::engine::point::is()) }",
            "closes engine/",
        ),
        (
            "engine/draws.rs",
            "use crate::engine::exit::end_process;",
            "is below what it imports",
        ),
        (
            "http/call.rs",
            "use crate::http::Control;",
            "its own folder's page",
        ),
        (
            "http/call.rs",
            "use crate::FailpointInfo;",
            "goes through lib.rs",
        ),
        ("hit/mod.rs", "fn f() {}", "a page only declares"),
    ] {
        let mut sources = sources.clone();
        let text = &sources[file].text;
        let at = text.lines().count() + 1;
        let text = format!("{text}\n{line}\n").replace("\n\n\n", "\n\n");
        sources.insert(file.to_owned(), Source::new(file, text));
        let broken = broken(&sources);
        let whole = broken.join("\n");
        assert!(whole.contains(complaint), "{file}: {line}\n{whole}");
        // A circle may be closed by another of its lines.
        if !complaint.starts_with("closes") {
            let lines = [at, at + 1].map(|at| format!("src/{file}:{at}: "));
            let is_there = |broken: &String| lines.iter().any(|line| broken.starts_with(line));
            assert!(broken.iter().all(is_there), "{whole}");
        }
    }
}

/// The page of what proves what: each test that it names is there.
#[test]
fn what_proves_the_promises_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("src/what_proves_it.md")).unwrap();
    let mut named = 0;
    for row in page.lines().filter(|line| line.starts_with("| ")) {
        let checks = row.split('|').nth(2).unwrap_or_default();
        for name in checks.split('`').skip(1).step_by(2) {
            let is_a_test = name
                .chars()
                .all(|c| c.is_ascii_lowercase() || "_:".contains(c));
            // What is in another package, or a feature, has another shape or place.
            if !is_a_test || ["fail", "compat", "suite::upstream"].contains(&name) {
                continue;
            }
            let path = root.join("tests").join(name.replace("::", "/"));
            let found = [path.with_extension("rs"), path.clone(), path.join("mod.rs")];
            assert!(
                found.iter().any(|path| path.exists()),
                "{name} is no test: {row}"
            );
            named += 1;
        }
        for path in checks.split('`').skip(1).step_by(2) {
            if path.contains('/') || path.ends_with("-tests") {
                assert!(root.join(path).exists(), "nothing is at {path}: {row}");
                named += 1;
            }
        }
    }
    assert!(named >= 20, "the page was not understood: {named} checks");
}
