//! Imports after a rewrite: the new name where a scope needs it, the old one only where
//! something still uses it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::decide::{Becomes, Decision, Fate, Target, Wishes};
use crate::edit::{Edit, with_line};
use crate::facts::{ExternCrate, Import};
use crate::heads;
use crate::project::Project;
use crate::resolve::{Origin, Pins, Resolver, Way};

/// What the sites that an import serves need after the rewrite.
#[derive(Debug, Default)]
struct Need {
    /// Some site leaves it.
    left: bool,
    /// Some site still needs the old name.
    old: bool,
    /// The new name, where sites need it from here.
    new: Option<String>,
}

/// The edits of imports and of `#[macro_use]`, each with its file.
pub(crate) fn edits(
    project: &Project,
    resolver: &Resolver<'_>,
    wishes: &Wishes,
    decisions: &[Vec<Decision>],
) -> Vec<(usize, Edit)> {
    let mut imports: BTreeMap<(usize, usize), Need> = BTreeMap::new();
    let mut macro_uses: BTreeMap<(usize, usize), BTreeMap<String, Need>> = BTreeMap::new();
    let sites = project.files.iter().flat_map(|file| &file.facts.sites);
    for (site, decision) in sites.zip(decisions.iter().flatten()) {
        let need = match (decision.resolved.import, &decision.resolved.origin) {
            (Some(import), _) => imports.entry(import).or_default(),
            (None, Origin::Fail(Way::MacroUse(file, item))) => {
                let name = site.path.last().cloned().unwrap_or_default();
                let needs = macro_uses.entry((*file, *item)).or_default();
                needs.entry(name).or_default()
            }
            _ => continue,
        };
        match &decision.fate {
            Fate::Rewrite(Becomes::Name(name)) => {
                need.left = true;
                need.new = Some(name.clone());
            }
            Fate::Rewrite(Becomes::Path(_) | Becomes::Native(_)) => need.left = true,
            _ => need.old = true,
        }
    }
    let pinned = resolver.pinned();
    for target in pinned.keys() {
        imports.entry(*target).or_default();
    }
    let mut changes = settle(project, resolver, &imports, &pinned);
    for import in heads::unused(project, resolver, decisions) {
        changes.entry(import).or_insert(Change::Remove);
    }
    let mut edits = of_imports(project, &changes);
    for ((file, item), needs) in &macro_uses {
        let Some(found) = project.files.get(*file) else {
            continue;
        };
        let Some(item) = found.facts.extern_crates.get(*item) else {
            continue;
        };
        let unseen = !project.sees_all(found.package);
        if let Some(edit) = macro_use(item, needs, unseen, wishes, &found.source.text) {
            edits.push((*file, edit));
        }
    }
    edits
}

/// The edits for the changes of imports; those that go are taken from their items together.
fn of_imports(project: &Project, changes: &BTreeMap<(usize, usize), Change>) -> Vec<(usize, Edit)> {
    let mut edits = Vec::new();
    let mut gone: BTreeMap<(usize, usize), Vec<&Import>> = BTreeMap::new();
    for ((file, at), change) in changes {
        let Some(found) = project.files.get(*file) else {
            continue;
        };
        let Some(import) = found.facts.imports.get(*at) else {
            continue;
        };
        match change {
            Change::Add(new) if import.groups.is_empty() => {
                let both = format!("{{{new}, {}}}", import.name);
                edits.push((*file, Edit::replace(import.leaf.clone(), both)));
            }
            Change::Add(new) | Change::Rename(new) => {
                let keeps_old = matches!(change, Change::Add(_));
                let renamed = renamed(&found.source.text, import, new, keeps_old);
                edits.extend(renamed.into_iter().map(|edit| (*file, edit)));
            }
            Change::Remove => {
                let item = (*file, import.item.start);
                gone.entry(item).or_default().push(import);
            }
        }
    }
    for ((file, _), imports) in gone {
        if let Some(found) = project.files.get(file) {
            let removals = removals(&found.source.text, &imports);
            edits.extend(removals.into_iter().map(|edit| (file, edit)));
        }
    }
    edits
}

/// What becomes of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Change {
    Add(String),
    Rename(String),
    Remove,
}

/// Decides import by import, until nothing follows any more: one that goes may have been
/// the last that needed another.
fn settle(
    project: &Project,
    resolver: &Resolver<'_>,
    needs: &BTreeMap<(usize, usize), Need>,
    pinned: &Pins,
) -> BTreeMap<(usize, usize), Change> {
    let mut changes: BTreeMap<(usize, usize), Change> = BTreeMap::new();
    for _ in 0..=needs.len() {
        let before = changes.clone();
        for (key, need) in needs {
            let (file, at) = *key;
            let Some(found) = project.files.get(file) else {
                continue;
            };
            let Some(import) = found.facts.imports.get(at) else {
                continue;
            };
            let pins = pinned.get(key).into_iter().flatten();
            // A renamed leaf no longer leads here, but to `fail` itself.
            let (left, held): (Vec<_>, Vec<_>) = pins.copied().partition(|pin| {
                matches!(changes.get(pin), Some(Change::Remove | Change::Rename(_)))
            });
            let unseen = if import.public {
                !project.sees_all(found.package)
                    || (import.exported && resolver.modules.is_reachable(file, import.scope))
            } else {
                project.reaches_unseen(file)
            };
            if !need.left && left.is_empty() {
                continue;
            }
            let renamed = || import.public && is_handed_on(resolver, project, *key, pinned);
            let old = need.old || !held.is_empty() || unseen || renamed();
            let new = need.new.clone().filter(|new| {
                let mut same_scope = found.facts.imports.iter();
                !same_scope.any(|other| other.scope == import.scope && other.name == *new)
            });
            let change = match (new, old) {
                (Some(new), true) => Change::Add(new),
                (Some(new), false) => Change::Rename(new),
                (None, false) => Change::Remove,
                (None, true) => continue,
            };
            changes.insert(*key, change);
        }
        if changes == before {
            break;
        }
    }
    changes
}

/// Whether an import that no failpoint led to goes through this one: by another name, or
/// to hand it on.
fn is_handed_on(
    resolver: &Resolver<'_>,
    project: &Project,
    (file, at): (usize, usize),
    pinned: &Pins,
) -> bool {
    let own = project.files.get(file).map(|found| &found.facts.imports);
    let Some(import) = own.and_then(|imports| imports.get(at)) else {
        return false;
    };
    let here = resolver.modules.module_around(file, import.scope);
    let here = here.map(|scope| (file, scope));
    let known = pinned.get(&(file, at));
    let mut files = project.files.iter().enumerate();
    files.any(|(other, found)| {
        let mut imports = found.facts.imports.iter().enumerate();
        imports.any(|(number, user)| {
            let Some((name, front)) = user.path.split_last() else {
                return false;
            };
            *name == import.name
                && (other, number) != (file, at)
                && known.is_none_or(|known| !known.contains(&(other, number)))
                && here.is_some()
                && resolver.modules.module_named(other, user.scope, front, 0) == here
        })
    })
}

/// The new name for the old one, or beside it; in braces at its place in the order.
fn renamed(text: &str, import: &Import, new: &str, keeps_old: bool) -> Vec<Edit> {
    let name = |at: usize| {
        let range = import.siblings().get(at)?;
        text.get(range.clone())
    };
    // rustfmt's order: words in small letters first.
    let key = |name: &str| (name.starts_with(char::is_uppercase), name.to_owned());
    let count = import.siblings().len();
    let sorted = (1..count).all(|at| name(at - 1).map(key) <= name(at).map(key));
    let own = import
        .siblings()
        .iter()
        .position(|range| *range == import.leaf);
    let place = (0..count).find(|at| name(*at).is_some_and(|name| key(name) > key(new)));
    match (own, place.and_then(|place| import.siblings().get(place))) {
        (Some(own), Some(before)) if sorted && place != Some(own) => {
            let mut edits = vec![Edit::insert(before.start, format!("{new}, "))];
            if !keeps_old {
                let previous = own.checked_sub(1).and_then(|at| import.siblings().get(at));
                let from = previous.map_or(import.leaf.start, |previous| previous.end);
                edits.push(Edit::delete(from..import.leaf.end));
            }
            edits
        }
        _ if keeps_old => vec![Edit::insert(import.leaf.start, format!("{new}, "))],
        _ => vec![Edit::replace(import.leaf.clone(), new)],
    }
}

/// Takes leaves of one item away, or the item.
fn removals(text: &str, imports: &[&Import]) -> Vec<Edit> {
    let Some(first) = imports.first() else {
        return Vec::new();
    };
    if imports.len() == first.leaves {
        return vec![Edit::delete(with_line(text, first.item.clone()))];
    }
    // Groups by where their insides begin.
    let groups = imports.iter().flat_map(|import| &import.groups);
    let groups: BTreeMap<usize, &Vec<Range<usize>>> = groups
        .filter_map(|group| Some((group.first()?.start, group)))
        .collect();
    let mut going: BTreeSet<usize> = imports.iter().map(|import| import.leaf.start).collect();
    let goes = |group: &[Range<usize>], going: &BTreeSet<usize>| {
        group.iter().all(|sibling| going.contains(&sibling.start))
    };
    // With all that is in its braces, a path goes as well: the inner ones first.
    for (start, group) in groups.iter().rev() {
        if goes(group, &going) {
            let paths = groups.values().flat_map(|outer| outer.iter());
            let around = paths.filter(|path| path.start < *start && path.contains(start));
            going.extend(around.min_by_key(|path| path.len()).map(|path| path.start));
        }
    }
    let kept = groups.values().filter(|group| !goes(group, &going));
    kept.flat_map(|group| removals_from(text, group, &going))
        .collect()
}

/// Takes what goes out of a group of which something stays.
fn removals_from(text: &str, siblings: &[Range<usize>], going: &BTreeSet<usize>) -> Vec<Edit> {
    let kept: Vec<&Range<usize>> = siblings
        .iter()
        .filter(|sibling| !going.contains(&sibling.start))
        .collect();
    if kept.len() == siblings.len() {
        return Vec::new();
    }
    if let [only] = kept.as_slice() {
        if let Some(edits) = without_braces(text, siblings, only) {
            return edits;
        }
    }
    let mut edits = Vec::new();
    let stays = |at: usize| {
        let sibling = siblings.get(at);
        sibling.is_some_and(|sibling| !going.contains(&sibling.start))
    };
    for (at, sibling) in siblings.iter().enumerate() {
        if stays(at) {
            continue;
        }
        // Up to the next one, or from the last one that stays.
        let range = match siblings.get(at + 1..).and_then(<[_]>::first) {
            Some(next) if (at + 1..siblings.len()).any(stays) => sibling.start..next.start,
            _ => {
                let kept = (0..at).rev().find(|at| stays(*at));
                match kept.and_then(|kept| siblings.get(kept)) {
                    Some(kept) if stays(at.wrapping_sub(1)) => {
                        let last = siblings.last().map_or(sibling.end, |last| last.end);
                        kept.end..last
                    }
                    _ => continue,
                }
            }
        };
        edits.push(Edit::delete(range));
    }
    edits
}

/// `{a, b}` becomes `b`: a list of one needs no braces.
fn without_braces(text: &str, siblings: &[Range<usize>], only: &Range<usize>) -> Option<Vec<Edit>> {
    let before = text.get(..siblings.first()?.start)?;
    let open = before.rfind('{')?;
    let end = siblings.last()?.end;
    let close = end + text.get(end..)?.find('}')?;
    let bare = |range: Range<usize>| {
        let words = text.get(range).unwrap_or("/");
        words.chars().all(|c| c.is_whitespace() || c == ',')
    };
    if text.get(only.clone())? == "self"
        || !bare(open + 1..siblings.first()?.start)
        || !bare(end..close)
    {
        return None;
    }
    Some(vec![
        Edit::delete(open..only.start),
        Edit::delete(only.end..close + 1),
    ])
}

/// What becomes of `#[macro_use]`, from the needs of each name that it brings.
fn macro_use(
    item: &ExternCrate,
    needs: &BTreeMap<String, Need>,
    unseen: bool,
    wishes: &Wishes,
    text: &str,
) -> Option<Edit> {
    let stays = |need: &Need| need.old || !need.left || unseen;
    let attribute = with_line(text, item.attribute.clone());
    let ((_, first), (_, last)) = match (item.list.first(), item.list.last()) {
        (Some(first), Some(last)) => (first, last),
        _ => {
            let unused = wishes.target == Target::Native && !needs.values().any(stays);
            return unused.then(|| Edit::delete(attribute));
        }
    };
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in &item.list {
        let need = needs.get(name);
        let new = need.and_then(|need| need.new.as_deref());
        let kept = need.is_none_or(stays).then_some(name.as_str());
        for name in new.into_iter().chain(kept) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    if names.is_empty() {
        return Some(Edit::delete(attribute));
    }
    let before: Vec<&str> = item.list.iter().map(|(name, _)| name.as_str()).collect();
    (names != before).then(|| Edit::replace(first.start..last.end, names.join(", ")))
}
