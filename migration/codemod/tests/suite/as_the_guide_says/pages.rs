//! The guide's text, and what can be done with its blocks without running anything.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::common;

/// A command of an `sh` block.
#[derive(Debug)]
pub(crate) struct Shell {
    /// As it is written.
    pub(crate) text: String,
    /// The status that it ends with.
    pub(crate) status: i32,
}

impl Shell {
    /// Without its comment.
    pub(crate) fn code(&self) -> &str {
        let code = self.text.split_once(" # ").map(|(code, _)| code);
        code.unwrap_or(&self.text).trim_end()
    }
}

/// What stands in the guide, but for its prose.
#[derive(Debug)]
pub(crate) enum Item {
    Title(String),
    Project { line: usize, name: String },
    Diff { line: usize, text: String },
    Sh { line: usize, commands: Vec<Shell> },
    Text { line: usize, text: String },
    Rust { line: usize, text: String },
}

/// The guide.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) items: Vec<Item>,
    /// Code in the prose, with its line.
    pub(crate) spans: Vec<(usize, String)>,
    tables: Vec<Vec<Vec<String>>>,
}

impl Page {
    pub(crate) fn read(path: &Path) -> Page {
        Page::of(&common::read(path))
    }

    fn of(text: &str) -> Page {
        let mut page = Page {
            items: Vec::new(),
            spans: Vec::new(),
            tables: Vec::new(),
        };
        let mut lines = text.lines().zip(1..);
        let mut in_table = false;
        while let Some((content, line)) = lines.next() {
            if let Some(kind) = content.strip_prefix("```") {
                let body: Vec<&str> = lines
                    .by_ref()
                    .map(|(content, _)| content)
                    .take_while(|content| *content != "```")
                    .collect();
                page.items.push(block(kind, line, &body));
            } else if let Some(title) = content.strip_prefix("## ") {
                page.items.push(Item::Title(title.to_owned()));
            } else if let Some(name) = content.strip_prefix("<!-- project: ") {
                let name = name.trim_end_matches(" -->").to_owned();
                page.items.push(Item::Project { line, name });
            } else {
                assert!(
                    !content.trim_start().starts_with("```"),
                    "line {line}: a block that is indented is not taken"
                );
                let spans = content.split('`').skip(1).step_by(2);
                page.spans.extend(spans.map(|code| (line, code.to_owned())));
            }
            if content.starts_with('|') {
                if !in_table {
                    page.tables.push(Vec::new());
                }
                let cells = content.trim_matches('|').split(" | ");
                let cells = cells.map(|cell| cell.trim().to_owned()).collect();
                page.tables.last_mut().expect("a table").push(cells);
            }
            in_table = content.starts_with('|');
        }
        page
    }

    /// The parts under the titles.
    pub(crate) fn sections(&self) -> Vec<(&str, &[Item])> {
        let starts: Vec<usize> = (0..self.items.len())
            .filter(|at| matches!(self.items[*at], Item::Title(_)))
            .collect();
        let ends = starts.iter().skip(1).copied().chain([self.items.len()]);
        let parts = starts.iter().zip(ends).map(|(start, end)| {
            let Item::Title(title) = &self.items[*start] else {
                unreachable!("it was looked for");
            };
            (title.as_str(), &self.items[start + 1..end])
        });
        parts.collect()
    }

    /// The rows of the first column with this head, without the ticks around them.
    pub(crate) fn column_of(&self, head: &str) -> Vec<String> {
        let tables = self.tables.iter().filter_map(|table| {
            let column = table.first()?.iter().position(|cell| cell == head)?;
            let rows = table.iter().skip(2).filter_map(move |row| row.get(column));
            Some(rows.map(|cell| cell.replace("`` ", "").replace(" ``", "")))
        });
        tables.flatten().collect()
    }
}

fn block(kind: &str, line: usize, body: &[&str]) -> Item {
    let text = body.iter().map(|line| format!("{line}\n")).collect();
    match kind {
        "diff" => Item::Diff { line, text },
        "text" => Item::Text { line, text },
        "rust" => Item::Rust { line, text },
        "sh" => Item::Sh {
            line,
            commands: commands(&text),
        },
        other => panic!("line {line}: nobody can carry out a block of `{other}`"),
    }
}

fn commands(text: &str) -> Vec<Shell> {
    let text = text.replace("\\\n", "");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let commands = lines.filter(|line| !line.starts_with('#')).map(|line| {
        let status = line.rsplit_once("# status ").map_or("0", |(_, rest)| rest);
        let status: String = status.chars().take_while(char::is_ascii_digit).collect();
        Shell {
            text: line.to_owned(),
            status: status.parse().expect("`# status` has a number"),
        }
    });
    commands.collect()
}

/// Whether the output is what the guide has, lines `...` standing for any lines. Only the last
/// `...` before a line that differs is tried anew: that is enough, and always ends soon.
pub(crate) fn matches(expected: &str, output: &str) -> bool {
    let expected: Vec<&str> = expected.lines().map(str::trim_end).collect();
    let output: Vec<&str> = output.lines().map(str::trim_end).collect();
    let (mut here, mut there) = (0, 0);
    // What follows the last `...`, and the line of the output that it was tried at.
    let mut tried: Option<(usize, usize)> = None;
    while there < output.len() {
        match (expected.get(here), &mut tried) {
            (Some(&"..."), _) => {
                here += 1;
                tried = Some((here, there));
            }
            (Some(line), _) if matches_line(line, output[there]) => {
                here += 1;
                there += 1;
            }
            (_, Some((after, at))) => {
                *at += 1;
                (here, there) = (*after, *at);
            }
            (_, None) => return false,
        }
    }
    expected[here..].iter().all(|line| *line == "...")
}

/// The first line of the guide that the output has nowhere, or not where it should be.
pub(crate) fn strange<'e>(expected: &'e str, output: &str) -> &'e str {
    let is_there = |line: &str| {
        output
            .lines()
            .any(|said| matches_line(line, said.trim_end()))
    };
    let missing = expected.lines().find(|line| !is_there(line));
    missing.unwrap_or(expected)
}

/// Whether the line is the one in the guide, `...` in it standing for any text.
pub(crate) fn matches_line(expected: &str, line: &str) -> bool {
    let mut parts = expected.split("...");
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in between {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Applies the block to the files under the folder.
pub(crate) fn apply(text: &str, folder: &Path) -> Result<(), String> {
    let mut lines = text.lines().peekable();
    while let Some(head) = lines.next() {
        let old = head
            .strip_prefix("--- ")
            .ok_or(format!("no file: {head}"))?;
        let new = lines.next().and_then(|line| line.strip_prefix("+++ "));
        let new = new.ok_or(format!("{old}: no line `+++`"))?;
        let mut hunks: Vec<(String, String)> = Vec::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with("--- ")) {
            if line.starts_with("@@") {
                hunks.push(Default::default());
                continue;
            }
            let (before, after) = hunks.last_mut().ok_or(format!("{old}: no line `@@`"))?;
            // An editor may have taken the blank of an empty line.
            let (mark, line) = line.split_at(usize::from(!line.is_empty()));
            match mark {
                "-" => *before += &format!("{line}\n"),
                "+" => *after += &format!("{line}\n"),
                " " | "" => {
                    *before += &format!("{line}\n");
                    *after += &format!("{line}\n");
                }
                other => return Err(format!("{old}: a line with `{other}`: {line}")),
            }
        }
        apply_to_file(old, new, &hunks, folder)?;
    }
    Ok(())
}

fn apply_to_file(
    old: &str,
    new: &str,
    hunks: &[(String, String)],
    folder: &Path,
) -> Result<(), String> {
    let said = |error: std::io::Error| format!("{old}: {error}");
    let mut text = match old {
        "/dev/null" => String::new(),
        _ => fs::read_to_string(folder.join(old)).map_err(said)?,
    };
    for (before, after) in hunks {
        let found = match before.as_str() {
            "" => None,
            _ => Some(text.match_indices(before.as_str()).count()),
        };
        match found {
            // Without a context it goes to the end.
            None => text += after,
            Some(1) => text = text.replacen(before.as_str(), after, 1),
            Some(count) => return Err(format!("{old}: {count} times in the file:\n{before}")),
        }
    }
    match new {
        "/dev/null" if text.is_empty() => fs::remove_file(folder.join(old)).map_err(said),
        "/dev/null" => Err(format!("{old}: something is left of it:\n{text}")),
        _ => {
            common::write(&folder.join(new), &text);
            Ok(())
        }
    }
}

/// Makes `to` a copy of the files in `from`, touching only those that differ.
pub(crate) fn mirror(from: &Path, to: &Path) {
    let mut kept = BTreeSet::new();
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let (source, name) = (entry.path(), entry.file_name());
        // Git's and Cargo's; `target` may be a folder or a link to one. By another name it has
        // Cargo's tag, and the copy itself may be in it.
        let is_target = name == "target" || source.join("CACHEDIR.TAG").exists();
        if name == ".git" || is_target {
            continue;
        }
        let copy = to.join(&name);
        if source.is_dir() {
            mirror(&source, &copy);
        } else {
            let bytes = fs::read(&source).expect("a file");
            if fs::read(&copy).ok().as_ref() != Some(&bytes) {
                fs::create_dir_all(to).expect("the folder can be made");
                fs::write(&copy, bytes).expect("the copy can be written");
            }
        }
        kept.insert(name);
    }
    for entry in fs::read_dir(to).into_iter().flatten() {
        let entry = entry.expect("an entry");
        if !kept.contains(&entry.file_name()) {
            let path = entry.path();
            let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
        }
    }
}

#[test]
fn any_text_and_any_lines_are_left_out() {
    assert!(matches("a\n...\nd...f\n", "a\nb\nc\nd e f\n"));
    assert!(matches("...\nb", "b") && matches("a\n...", "a"));
    assert!(!matches("a\nc", "a\nb\nc") && !matches("...\nb", "b\nc"));
    assert!(!matches("d...f", "d e") && !matches("a", "ab"));
}

#[test]
fn a_long_output_that_is_another_one_is_refused_at_once() {
    let output = "x\n".repeat(1_000);
    assert!(!matches(&"...\nx\n".repeat(20), &format!("{output}y")));
    assert!(matches(&"...\nx\n".repeat(20), &output));
    assert!(matches(
        "...\nx\ny\n...\nx\nx",
        &format!("{output}y\n{output}")
    ));
}

#[test]
fn a_status_and_a_long_command_are_understood() {
    let commands = commands("a b \\\n  c # status 101: d\n# e\n\nf # g\n");
    assert_eq!(commands.len(), 2, "{commands:?}");
    assert_eq!((commands[0].status, commands[0].code()), (101, "a b   c"));
    assert_eq!((commands[1].status, commands[1].code()), (0, "f"));
}

#[test]
#[should_panic(expected = "line 2: nobody can carry out a block of `rust,ignore`")]
fn no_block_is_left_out() {
    Page::of("# Title\n```rust,ignore\nfn f() {}\n```\n");
}

#[test]
fn a_copy_within_what_is_copied_is_not_copied_again() {
    let folder = common::folder();
    let at = |path: &str| folder.path().join(path);
    common::write(&at("src/a"), "1");
    common::write(&at("built/CACHEDIR.TAG"), "");
    mirror(folder.path(), &at("built/copy"));
    mirror(folder.path(), &at("built/copy"));
    assert_eq!(common::read(&at("built/copy/src/a")), "1");
    assert!(!at("built/copy/built").exists());
}

#[test]
fn a_diff_that_does_not_fit_is_refused() {
    let folder = common::folder();
    let file = folder.path().join("a");
    common::write(&file, "1\n2\n2\n");
    let diff = |hunk: &str| apply(&format!("--- a\n+++ a\n@@\n{hunk}"), folder.path());
    assert!(diff("-3\n").unwrap_err().contains("0 times"));
    assert!(diff("-2\n").unwrap_err().contains("2 times"));
    diff(" 1\n-2\n+3\n").unwrap();
    diff("+4\n").unwrap();
    assert_eq!(common::read(&file), "1\n3\n2\n4\n");
}
