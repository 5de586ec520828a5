//! Paths: the same text for the same file, and the way from one to another.

use std::path::{Component, Path, PathBuf};

/// The same text for the same file, whatever way leads there.
#[must_use]
pub(crate) fn real(path: &Path) -> PathBuf {
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    path.canonicalize()
        .or_else(|_| std::path::absolute(path))
        .unwrap_or_else(|_| path.to_owned())
}

/// `to` as seen from `from`, with forward slashes. Links in `to` stay: Cargo takes two ways to
/// one folder for two packages.
pub(crate) fn relative(from: &Path, to: &Path) -> String {
    let (from, to) = (real(from), without_dots(to));
    let common = from
        .components()
        .zip(to.components())
        .take_while(|(a, b)| a == b)
        .count();
    let mut parts: Vec<String> = from
        .components()
        .skip(common)
        .map(|_| "..".to_owned())
        .collect();
    parts.extend(to.components().skip(common).map(|part| match part {
        Component::Normal(name) => name.to_string_lossy().into_owned(),
        other => other.as_os_str().to_string_lossy().into_owned(),
    }));
    parts.join("/")
}

/// A path as manifests write it.
pub(crate) fn with_slashes(path: &Path) -> String {
    path.to_string_lossy()
        .replace(std::path::MAIN_SEPARATOR, "/")
}

/// A path without `.` and `..`, as Cargo reads it: by its words alone.
pub(crate) fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}
