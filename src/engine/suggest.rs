//! Which name may have been meant, what is known about a name, and what is said of both once a point
//! is configured.

use std::sync::{Arc, OnceLock};

use crate::engine::listed;
use crate::engine::name::{distance, letters};
use crate::engine::point::Point;
use crate::engine::report;
use crate::engine::site;
#[cfg(feature = "http")]
use crate::engine::site::{Returns, Site};
use crate::engine::table::Registry;
use crate::engine::trie::Named;

/// A name that is compiled in, with its characters: see [`letters`].
type Spelled = (&'static str, u64);

/// Returns the names of the call sites, sorted by their length, and those of one length alphabetically.
fn spelled() -> &'static [Spelled] {
    // Filled by our own code alone, which waits for nothing (I5).
    static SPELLED: OnceLock<Vec<Spelled>> = OnceLock::new();
    SPELLED.get_or_init(|| {
        let by_name = listed::by_name().iter().map(|site| site.name());
        let mut names: Vec<Spelled> = by_name.map(|name| (name, letters(name))).collect();
        names.dedup();
        names.sort_by_key(|(name, _)| name.len());
        names
    })
}

/// Returns the compiled-in name that `name` was probably meant to be: one within two edits, unless
/// `name` itself is compiled in, or was hit as a name made at run time.
pub(crate) fn nearest(name: &str) -> Option<&'static str> {
    if site::was_hit_by_name(name) {
        return None;
    }
    let set = letters(name);
    let spelled = spelled();
    let first = spelled.partition_point(|(known, _)| known.len() + 2 < name.len());
    let mut nearest = None;
    for (known, letters) in &spelled[first..] {
        if known.len() > name.len() + 2 {
            break;
        }
        // Two edits change at most four bits.
        if (letters ^ set).count_ones() > 4 {
            continue;
        }
        match distance(known, name) {
            0 => return None,
            edits if edits <= 2 && nearest.is_none_or(|(least, _)| edits < least) => {
                nearest = Some((edits, *known));
            }
            _ => {}
        }
    }
    nearest.map(|(_, name)| name)
}

/// Returns the compiled-in names that are most like `name`, without itself: at most three, and none
/// that differs in more than half. There are none for a name that was hit as one made at run time.
pub(crate) fn similar(name: &str) -> Vec<&'static str> {
    let set = letters(name);
    let mut similar: Vec<(usize, &str)> = Vec::new();
    if site::was_hit_by_name(name) {
        return Vec::new();
    }
    for &(known, letters) in spelled() {
        let longer = name.len().max(known.len());
        // Each byte that one name is longer than the other is an edit, and each edit changes at most two
        // bits.
        let longer_by = name.len().abs_diff(known.len());
        let bits = (letters ^ set).count_ones() as usize;
        let least = longer_by.max(bits.div_ceil(2));
        let is_too_far = |&(edits, _): &(usize, &str)| least > edits;
        if 2 * least > longer || similar.get(2).is_some_and(is_too_far) {
            continue;
        }
        let edits = distance(name, known);
        if edits > 0 && 2 * edits <= longer {
            // Those that are as near stay in alphabetical order.
            let at = similar.partition_point(|other| *other < (edits, known));
            similar.insert(at, (edits, known));
            similar.truncate(3);
        }
    }
    similar.into_iter().map(|(_, name)| name).collect()
}

/// Of how many names that no call site has is said what they may have meant: to look for that takes a
/// while, and there may be thousands of them.
const MOST_DESCRIBED: usize = 10;

/// What may have a name that no listed call site has.
pub(crate) const UNLISTED: &str =
    "a name made at run time is not listed, nor is a constant outside of `const { .. }`";

/// Describes, for people, where `name` is compiled in, or which names are like it. `is_hit` says that
/// it is known to be hit.
pub(crate) fn about(name: &str, is_hit: bool) -> String {
    if let Some(places) = places(name) {
        return places;
    }
    if is_hit || site::was_hit_by_name(name) {
        return "no call site is listed under that name, but it was hit: it is made at run time"
            .to_owned();
    }
    about_unknown(&similar(name), listed::by_name().is_empty())
}

/// Describes, for people, what may have been meant by a name that is not configured: nothing is said of
/// one that no call site has and that is like none.
pub(crate) fn about_unconfigured(name: &str) -> Option<String> {
    if let Some(places) = places(name) {
        return Some(places);
    }
    let similar = similar(name);
    (!similar.is_empty()).then(|| format!("compiled in are similar ones: {similar:?}"))
}

/// Describes where the call sites of `name` are, if it has any.
fn places(name: &str) -> Option<String> {
    let sites = listed::by_name().iter().filter(|site| site.name() == name);
    let places: Vec<String> = sites
        .map(|site| format!("{}:{}", site.file(), site.line()))
        .collect();
    (!places.is_empty()).then(|| format!("it is at {}", places.join(", ")))
}

/// Describes what may be the matter with a name that no call site has and that was not hit.
///
/// Each copy of this crate in a build has a table and a list of its own, and nothing that safe code
/// could find the other by.
fn about_unknown(similar: &[&str], has_no_sites: bool) -> String {
    match similar {
        [] if has_no_sites => format!(
            "no call site has that name, or any other, in this copy of neon_failpoint: `cargo tree \
             -d` shows whether the build has a second copy, whose call sites this one does not see \
             ({UNLISTED})"
        ),
        [] => format!(
            "no call site has that name ({UNLISTED}; those of a second copy of neon_failpoint, which \
             `cargo tree -d` would show, are not either)"
        ),
        similar => {
            format!("no call site has that name; names like it are {similar:?} ({UNLISTED})")
        }
    }
}

/// Says, for whoever configured `points` from outside, why they may not do what was meant. A hit by a
/// name that is made at run time is not known before, so that there is no more than a warning.
#[cfg(feature = "http")]
pub(crate) fn warnings(points: &[Arc<Point>]) -> Vec<String> {
    let sites = listed::by_name();
    if sites.is_empty() {
        // More likely a platform that cannot list them than a program that has none.
        return Vec::new();
    }
    let mut warnings = Vec::new();
    let mut unknown = 0;
    for point in points {
        let name = point.name();
        let first = sites.partition_point(|site| site.name() < name);
        let count = sites[first..].partition_point(|site| site.name() == name);
        if count > 0 {
            let sites = &sites[first..first + count];
            warnings.extend(no_return(name, &point.returns(), sites));
            continue;
        }
        if site::was_hit_by_name(name) {
            continue;
        }
        unknown += 1;
        let near = if unknown <= MOST_DESCRIBED {
            similar(name)
        } else {
            Vec::new()
        };
        let near = match near.as_slice() {
            [] => String::new(),
            near => format!("; names like it are {near:?}"),
        };
        warnings.push(format!(
            "failpoint {name:?}: no call site compiled in has that name; a name made at run time \
             may{near}"
        ));
    }
    warnings
}

/// What is wrong with a `return`, with these arguments, at all of `sites`.
#[cfg(feature = "http")]
fn no_return(name: &str, returns: &[Option<&str>], sites: &[&Site]) -> Option<String> {
    let does = |what| sites.iter().filter(move |site| site.returns() == what);
    if returns.is_empty() || does(Returns::Value).next().is_some() {
        return None;
    }
    let are_millis = |value: &Option<&str>| value.is_some_and(|v| v.parse::<u64>().is_ok());
    if does(Returns::Millis).next().is_some() && returns.iter().all(are_millis) {
        return None;
    }
    let parts = [
        (Returns::Panics, "panics for want of a closure at"),
        (Returns::Nothing, "has no effect at"),
        (
            Returns::Millis,
            "sleeps as many milliseconds as it says, as return(250) does, at",
        ),
    ];
    let parts = parts.map(|(what, text)| {
        let places: Vec<String> = does(what)
            .map(|site| format!("{}:{}", site.file(), site.line()))
            .collect();
        (!places.is_empty()).then(|| format!("{text} {}", places.join(", ")))
    });
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    Some(format!(
        "failpoint {name:?}: no call site compiled in can return a value for it: a `return` {}",
        parts.join("; it ")
    ))
}

/// Says the seed if `points` are the first to need it, and what the names of `new` may have been meant
/// to be. Called after every lock is released.
pub(crate) fn announce<'a>(points: &[Arc<Point>], new: impl IntoIterator<Item = &'a Arc<Point>>) {
    announce_seed(points);
    for point in new {
        if let Some(meant) = nearest(point.name()) {
            report::misspelled(point.name(), meant, UNLISTED);
        }
    }
}

/// [`announce`] for the points of FAILPOINTS: a name that no call site has is most likely a mistake
/// there, whatever it is like, and a run without faults would be all that is seen of it.
pub(crate) fn announce_env(points: &[Arc<Point>]) {
    announce_seed(points);
    let sites = listed::by_name();
    let is_listed = |name: &str| {
        sites
            .binary_search_by_key(&name, |site| site.name())
            .is_ok()
    };
    let names = points.iter().map(|point| point.name());
    let mut unknown = names.filter(|name| !is_listed(name) && !site::was_hit_by_name(name));
    for name in unknown.by_ref().take(MOST_DESCRIBED) {
        report::unknown(name, &about(name, false));
    }
    let more = unknown.count();
    if more > 0 {
        report::more_unknown(more);
    }
}

fn announce_seed(points: &[Arc<Point>]) {
    if let Some(point) = points.iter().find(|point| point.draws()) {
        let registry = Registry::global();
        let home = point.home();
        let seed = registry.seed(home);
        // One that a scope has from around it is said once for all of them; each hears that it was.
        let nodes = home.0.iter().flat_map(|node| node.chain());
        let around = nodes.map(|node| &node.draws).chain([&registry.draws]);
        let was_said = around.fold(false, |said, draws| said | draws.was_said(seed));
        if !was_said {
            // Whoever chose it knows it.
            let draws = registry.draws_of(home);
            report::seed(seed, !draws.is_chosen() && !registry.draws.is_chosen());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_without_call_sites_says_how_to_look_for_a_second_one() {
        let about = about_unknown(&[], true);
        for text in [
            "no call site has that name, or any other",
            "`cargo tree -d`",
            "const {",
        ] {
            assert!(about.contains(text), "{about}");
        }
        let about = about_unknown(&[], false);
        assert!(about.contains("`cargo tree -d`"), "{about}");
        // Then a typing error is likelier.
        let about = about_unknown(&["near"], false);
        assert!(about.contains("names like it are [\"near\"]"), "{about}");
        assert!(!about.contains("cargo tree"), "{about}");
    }
}
