//! Which test a thread runs, so that a child process can run that one alone.

use std::backtrace::Backtrace;
use std::collections::HashSet;
use std::env;
use std::ffi::OsString;
use std::io;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// What a child is told by which it comes to the same place.
#[derive(Debug)]
pub(super) struct Way {
    /// The test, if it is known. A plain `main` has none.
    pub(super) test: Option<String>,
    pub(super) args: Vec<OsString>,
}

impl Way {
    /// Returns what a person types to run the same.
    pub(super) fn command(&self) -> String {
        let Some(test) = &self.test else {
            return self.program();
        };
        // Cargo sets the variable. In a workspace, the command alone might test another package.
        let package = match env::var("CARGO_PKG_NAME") {
            Ok(package) => format!(" -p {package}"),
            Err(_) => String::new(),
        };
        // It may be one that is ignored, and runs only where that is asked for.
        let asks = |arg: OsString| arg == "--ignored" || arg == "--include-ignored";
        let ignored = match env::args_os().any(asks) {
            true => " -- --include-ignored",
            false => "",
        };
        format!("cargo test {test}{package}{ignored}")
    }

    /// Returns the program that a child is, with its arguments.
    pub(super) fn program(&self) -> String {
        let exe = env::current_exe().unwrap_or_default();
        let args = self.args.iter().map(|arg| quoted(&arg.to_string_lossy()));
        let words: Vec<_> = std::iter::once(quoted(&exe.to_string_lossy()))
            .chain(args)
            .collect();
        words.join(" ")
    }
}

/// Returns a word as a shell reads it back.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=,@%+".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// Returns how a child comes to where this thread is. An error says why that cannot be known.
///
/// `list` has the test harness list its tests, in a child.
pub(super) fn way(list: impl FnOnce(&mut Command) -> io::Result<String>) -> Result<Way, String> {
    if let Some(test) = of_thread() {
        return Ok(alone(&test));
    }
    let is_main = std::thread::current().name().is_some();
    let way = as_this();
    // As nextest does it.
    if way.args.iter().any(|arg| arg == "--exact") {
        return Ok(way);
    }
    let trace = Backtrace::force_capture().to_string();
    let symbols: Vec<&str> = trace.lines().filter_map(symbol).collect();
    if is_main && !symbols.iter().any(|symbol| symbol.starts_with("test::")) {
        return Ok(way);
    }
    static TESTS: OnceLock<HashSet<String>> = OnceLock::new();
    let tests = match TESTS.get() {
        Some(tests) => tests,
        None => {
            let tests = listed(list).unwrap_or_default();
            TESTS.get_or_init(|| tests)
        }
    };
    // The outermost: one test may call another.
    let found = symbols
        .iter()
        .rev()
        .find_map(|symbol| test_of(symbol, tests));
    match found {
        Some(test) => Ok(alone(test)),
        // One thread runs the tests in order, so that a child comes here by the same way.
        None if is_main || tests.is_empty() => Ok(way),
        None => Err(
            "it cannot be known which test this thread runs: call it on the thread of the test itself"
                .to_owned(),
        ),
    }
}

/// Returns how a person comes to where this thread is: by the test, if its thread has the name, or else
/// as this process did.
pub(super) fn again() -> Way {
    of_thread().map_or_else(as_this, |test| alone(&test))
}

/// Returns the test that this thread is named after, as libtest does it.
fn of_thread() -> Option<String> {
    let thread = std::thread::current();
    let name = thread.name().filter(|name| *name != "main")?;
    Some(name.to_owned())
}

fn alone(test: &str) -> Way {
    // An ignored test is run, too: it is being run here.
    let args = [test, "--exact", "--nocapture", "--include-ignored"];
    Way {
        test: Some(test.to_owned()),
        args: args.map(OsString::from).to_vec(),
    }
}

fn as_this() -> Way {
    Way {
        test: None,
        args: env::args_os().skip(1).collect(),
    }
}

/// Returns the symbol of a line of a backtrace, `  12: symbol`.
fn symbol(line: &str) -> Option<&str> {
    let (number, symbol) = line.trim_start().split_once(": ")?;
    number.bytes().all(|b| b.is_ascii_digit()).then_some(symbol)
}

/// Returns the test that a function is, or is inside of.
fn test_of<'a>(symbol: &'a str, tests: &HashSet<String>) -> Option<&'a str> {
    let (_, path) = symbol.split_once("::")?;
    let ends = path.match_indices("::").map(|(at, _)| at);
    ends.chain([path.len()])
        .map(|end| &path[..end])
        .find(|path| tests.contains(*path))
}

fn listed(list: impl FnOnce(&mut Command) -> io::Result<String>) -> io::Result<HashSet<String>> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["--list", "--format", "terse"]);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    let text = list(&mut command)?;
    let names = text.lines().filter_map(|line| line.strip_suffix(": test"));
    Ok(names.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_pasted() {
        for (word, expected) in [
            ("--exact", "--exact"),
            ("a::b", "a::b"),
            ("a b", "'a b'"),
            ("it's", "'it'\\''s'"),
            ("(line 3)", "'(line 3)'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }

    #[test]
    fn a_test_is_found_by_what_is_inside_of_it() {
        let tests = HashSet::from(["a::one".to_owned(), "two".to_owned()]);
        for (line, test) in [
            ("   0: krate::a::one", Some("a::one")),
            ("  12: krate::a::one::{{closure}}", Some("a::one")),
            ("  12: krate::a::one::{closure#0}", Some("a::one")),
            ("   3: krate::two", Some("two")),
            ("   3: krate::two::<u8>", Some("two")),
            ("   3: krate::a::one_more", None),
            ("   3: krate::twofold::two", None),
            ("   3: main", None),
            ("             at ./tests/two.rs:3:4", None),
        ] {
            let found = symbol(line).and_then(|symbol| test_of(symbol, &tests));
            assert_eq!(found, test, "{line}");
        }
    }
}
