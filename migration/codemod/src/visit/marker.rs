//! The comment that asks to leave a failpoint as it is.

use std::ops::Range;

/// What it says.
const KEEP: &str = "failpoint-migrate: keep";

/// Whether the comment stands behind the site in its last line, or above it: alone in a line,
/// with nothing but comments and attributes between.
pub(crate) fn keeps(text: &str, site: &Range<usize>) -> bool {
    let after = text.get(site.end..).unwrap_or_default();
    let rest_of_line = after.lines().next().unwrap_or_default();
    if let Some((code, comment)) = rest_of_line.split_once("//") {
        if asks(comment) && !code.contains('"') {
            return true;
        }
    }
    let before = text.get(..site.start).unwrap_or_default();
    let above = before.lines().rev().map(str::trim);
    // The line that the site itself begins in comes first, unless it begins the line.
    let own = usize::from(!before.is_empty() && !before.ends_with('\n'));
    for line in above.skip(own) {
        match line.strip_prefix("//") {
            Some(comment) if asks(comment) => return true,
            Some(_) => {}
            None if line.starts_with("#[") && line.ends_with(']') => {}
            None => return false,
        }
    }
    false
}

fn asks(comment: &str) -> bool {
    let words = comment.trim_start();
    words.strip_prefix(KEEP).is_some_and(|rest| {
        let next = rest.chars().next();
        next.is_none_or(|next| !next.is_alphanumeric() && next != '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> bool {
        let start = text.find("site!()").expect("a site");
        keeps(text, &(start..start + "site!()".len()))
    }

    #[test]
    fn a_comment_behind_the_site_or_above_it_keeps_it() {
        assert!(kept("site!(); // failpoint-migrate: keep"));
        assert!(kept(
            "site!(); // failpoint-migrate: keep, the test counts on it\n"
        ));
        assert!(kept("  // failpoint-migrate: keep\n  site!();\n"));
        assert!(kept(
            "// failpoint-migrate: keep\n// why\n#[cfg(test)]\nlet x = site!();"
        ));
        assert!(kept("//failpoint-migrate: keep\r\nsite!();\r\n"));
    }

    #[test]
    fn a_comment_elsewhere_does_not() {
        assert!(!kept("site!();"));
        assert!(!kept("// failpoint-migrate: keep\n\nsite!();"));
        assert!(!kept("// failpoint-migrate: keep\nother!();\nsite!();"));
        assert!(!kept("site!();\n// failpoint-migrate: keep"));
        assert!(!kept("site!(); // failpoint-migrate: keeper"));
        assert!(!kept("site!(); f(\"// failpoint-migrate: keep\");"));
        assert!(!kept("other!(); // failpoint-migrate: keep\nsite!();"));
    }
}
