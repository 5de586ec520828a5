//! What call sites add to a program, and to its compilation.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use super::{BUILT, Row, native, output, package, release_build};
use neon_failpoint_benches::measure::{Effort, median};
use neon_failpoint_benches::report::Limit::AtMost;
use neon_failpoint_benches::report::Line;

pub(super) const SIZE: Row = Row {
    name: "size",
    about: "bytes of a stripped release program for each call site with a closure, and s to compile 1,000",
    run: size,
};

/// How many call sites a program has.
#[derive(Clone, Copy)]
struct Sites {
    few: usize,
    many: usize,
}

/// Programs of functions that differ in their call site, and in nothing else.
struct Program {
    dependency: String,
    /// Stands in the function. `{}` is its number.
    site: &'static str,
    is_async: bool,
    name: &'static str,
}

impl Program {
    fn text(&self, sites: usize) -> String {
        let (of, wait) = match self.is_async {
            // A task that waits for something besides: few functions are async for a failpoint alone.
            true => ("async fn", "std::future::pending::<()>().await;"),
            false => ("fn", "std::hint::black_box(x);"),
        };
        let mut text = String::new();
        let mut calls = String::new();
        for i in 0..sites {
            let site = self.site.replace("{}", &i.to_string());
            let _ = writeln!(
                text,
                "#[inline(never)]\n{of} f{i}(x: u64) -> Result<u64, Option<String>> {{ {site} {wait} Ok(x + {i}) }}"
            );
            let _ = match self.is_async {
                true => writeln!(calls, "    tasks.push(Box::pin(f{i}(x)));"),
                false => writeln!(calls, "    sum += f{i}(x).unwrap();"),
            };
        }
        let (before, after) = match self.is_async {
            true => (
                "let mut tasks: Vec<std::pin::Pin<Box<dyn Future<Output = Result<u64, Option<String>>>>>> = vec![];",
                "let mut cx = std::task::Context::from_waker(std::task::Waker::noop());\n    \
                 let polls = tasks.iter_mut().map(|task| task.as_mut().poll(&mut cx));\n    \
                 let sum = polls.filter(std::task::Poll::is_ready).count();",
            ),
            false => ("let mut sum = 0;", ""),
        };
        let _ = writeln!(
            text,
            "fn main() {{\n    let x = std::env::args().count() as u64;\n    {before}\n{calls}    {after}\n    \
             println!(\"{{sum}}\");\n}}"
        );
        text
    }

    fn write(&self, sites: usize) -> Result<PathBuf, String> {
        let name = format!("size-{}-{sites}", self.name);
        package(
            &name,
            "2024",
            &self.dependency,
            "main.rs",
            &self.text(sites),
        )
    }

    /// Returns the bytes of the program, and the seconds that compiling it took, without what it
    /// depends on.
    fn measure(&self, sites: usize, rounds: usize) -> Result<(f64, f64), String> {
        let folder = self.write(sites)?;
        output(&mut release_build(&folder, "build"))?;
        let mut seconds = Vec::new();
        for round in 0..rounds {
            let main = folder.join("src/main.rs");
            fs::write(&main, format!("{}// {round}\n", self.text(sites)))
                .map_err(|e| format!("cannot write {}: {e}", main.display()))?;
            let start = Instant::now();
            output(&mut release_build(&folder, "build"))?;
            seconds.push(start.elapsed().as_secs_f64());
        }
        let program = folder
            .join(BUILT)
            .join(format!("size-{}-{sites}", self.name));
        let bytes = fs::metadata(&program).map_err(|e| format!("{}: {e}", program.display()))?;
        Ok((bytes.len() as f64, median(seconds)))
    }

    /// Returns the bytes of each of its functions, and the seconds to compile all.
    fn each(&self, sites: Sites, rounds: usize) -> Result<(f64, f64), String> {
        let (few, _) = self.measure(sites.few, 1)?;
        let (many, seconds) = self.measure(sites.many, rounds)?;
        Ok(((many - few) / (sites.many - sites.few) as f64, seconds))
    }
}

fn size(effort: Effort) -> Result<Vec<Line>, String> {
    let sites = match effort {
        Effort::Full => Sites {
            few: 100,
            many: 1_100,
        },
        // A program's size is in whole pages: of few sites it says nothing.
        Effort::Smoke => Sites { few: 1, many: 11 },
    };
    let here = env!("CARGO_MANIFEST_DIR");
    let native = native(&["async", "testing"]);
    let program = |name, dependency: &str, site, is_async| {
        let dependency = dependency.to_owned();
        let program = Program {
            dependency,
            site,
            is_async,
            name,
        };
        program.each(sites, effort.rounds(3))
    };
    let fail_site = "fail::fail_point!(\"size-{}\", |value| Err(value));";
    // With the features that the native programs have: one build of the library for all.
    let shim = format!(
        "fail = {{ path = \"{here}/../migration/fail\", features = [\"async\", \"failpoints\"] }}"
    );
    let fail = "fail = { version = \"=0.5.1\", features = [\"failpoints\"] }";
    let (plain, _) = program("plain", "", "", false)?;
    let (plain_async, _) = program("plain-async", "", "", true)?;
    let (fail, fail_s) = program("fail", fail, fail_site, false)?;
    let (shim, shim_s) = program("shim", &shim, fail_site, false)?;
    let site = "neon_failpoint::fail_point_sync!(\"size-{}\", |value| Err(Some(value)));";
    let (sync, sync_s) = program("native", &native, site, false)?;
    let site = "neon_failpoint::fail_point!(\"size-{}\", |value| Err(Some(value)));";
    let (task, task_s) = program("native-async", &native, site, true)?;
    let [fail, shim, sync] = [fail, shim, sync].map(|bytes| bytes - plain);
    let task = task - plain_async;
    Ok(vec![
        Line::new("a call site", Some(sites.many), "bytes")
            .columns([
                ("shim", shim),
                ("native sync", sync),
                ("native async", task),
                ("fail", fail),
            ])
            .bar("shim, times fail's", shim / fail, AtMost(3.0))
            .bar("native sync, times fail's", sync / fail, AtMost(3.0))
            .bar("native async, times fail's", task / fail, AtMost(3.0)),
        Line::new("compiling them", Some(sites.many), "s")
            .columns([
                ("shim", shim_s),
                ("native sync", sync_s),
                ("native async", task_s),
                ("fail", fail_s),
            ])
            .bar("shim, times fail's", shim_s / fail_s, AtMost(0.84)),
    ])
}
