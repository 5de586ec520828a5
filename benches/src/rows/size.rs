//! What call sites add to a program, and to its compilation.

use std::fmt::Write as _;
use std::fs;
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

/// What the functions of a program are, besides their call site.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Function {
    Sync,
    /// Its call site is all that it has to drop where it waits: it pays for that alone.
    Async,
    /// It awaits something else that has to be dropped.
    AsyncWithMore,
}

impl Function {
    /// Stands in each of them, behind the call site.
    fn rest(self) -> &'static str {
        match self {
            Function::Sync => "std::hint::black_box(x);",
            Function::Async => "std::future::pending::<()>().await;",
            Function::AsyncWithMore => "Countdown(Box::new(x)).await;",
        }
    }
}

/// What [`Function::AsyncWithMore`] awaits.
const COUNTDOWN: &str = "
struct Countdown(Box<u64>);
impl Future for Countdown {
    type Output = ();
    #[inline(never)]
    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> std::task::Poll<()> {
        cx.waker().wake_by_ref();
        *self.0 -= 1;
        if *self.0 == 0 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    }
}
";

/// Programs of functions that differ in their call site, and in nothing else.
struct Program {
    name: &'static str,
    dependency: String,
    function: Function,
    /// Stands in the function. `{}` is its number.
    site: &'static str,
}

impl Program {
    fn text(&self, sites: usize) -> String {
        let is_async = self.function != Function::Sync;
        let (of, rest) = (
            if is_async { "async fn" } else { "fn" },
            self.function.rest(),
        );
        let mut text = match self.function {
            Function::AsyncWithMore => COUNTDOWN.to_owned(),
            Function::Sync | Function::Async => String::new(),
        };
        let mut calls = String::new();
        for i in 0..sites {
            let site = self.site.replace("{}", &i.to_string());
            let _ = writeln!(
                text,
                "#[inline(never)]\n{of} f{i}(x: u64) -> Result<u64, Option<String>> {{ {site} {rest} Ok(x + {i}) }}"
            );
            let _ = match is_async {
                true => writeln!(calls, "    tasks.push(Box::pin(f{i}(x)));"),
                false => writeln!(calls, "    sum += f{i}(x).unwrap();"),
            };
        }
        let (before, after) = match is_async {
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

    /// Builds it, and returns its bytes and the seconds that compiling it took, if what it depends on was
    /// there.
    fn build(&self, sites: usize, round: usize) -> Result<(f64, f64), String> {
        let name = format!("size-{}-{sites}", self.name);
        let text = format!("{}// {round}\n", self.text(sites));
        let folder = package(&name, "2024", &self.dependency, "main.rs", &text)?;
        let start = Instant::now();
        output(&mut release_build(&folder, "build"))?;
        let seconds = start.elapsed().as_secs_f64();
        let program = folder.join(BUILT).join(name);
        let bytes = fs::metadata(&program).map_err(|e| format!("{}: {e}", program.display()))?;
        Ok((bytes.len() as f64, seconds))
    }

    /// Returns the bytes of each of its functions.
    fn bytes(&self, sites: Sites) -> Result<f64, String> {
        let (few, _) = self.build(sites.few, 0)?;
        let (many, _) = self.build(sites.many, 0)?;
        Ok((many - few) / (sites.many - sites.few) as f64)
    }
}

/// Returns the seconds to compile each of these programs: the median of some rounds, in turns, because
/// the speed of a machine changes while this runs.
fn seconds<const N: usize>(
    programs: [&Program; N],
    sites: usize,
    rounds: usize,
) -> Result<[f64; N], String> {
    let mut seconds = [const { Vec::new() }; N];
    for round in 1..=rounds {
        for (program, seconds) in programs.iter().zip(&mut seconds) {
            seconds.push(program.build(sites, round)?.1);
        }
    }
    Ok(seconds.map(median))
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
    let fail = "fail = { version = \"=0.5.1\", features = [\"failpoints\"] }";
    // With the features that the native programs have: one build of the library for all.
    let shim = format!(
        "fail = {{ path = \"{here}/../migration/fail\", features = [\"async\", \"failpoints\"] }}"
    );
    let native = native(&["async", "testing"]);
    let fail_site = "fail::fail_point!(\"size-{}\", |value| Err(value));";
    let sync_site = "neon_failpoint::fail_point_sync!(\"size-{}\", |value| Err(Some(value)));";
    let async_site = "neon_failpoint::fail_point!(\"size-{}\", |value| Err(Some(value)));";
    let program = |name, dependency: &str, function, site| Program {
        name,
        dependency: dependency.to_owned(),
        function,
        site,
    };
    let plain = |name, function| program(name, "", function, "").bytes(sites);
    let plain_sync = plain("plain", Function::Sync)?;
    let fail = program("fail", fail, Function::Sync, fail_site);
    let shim = program("shim", &shim, Function::Sync, fail_site);
    let sync = program("native", &native, Function::Sync, sync_site);
    let task = program("native-async", &native, Function::Async, async_site);
    let more = program(
        "native-async-more",
        &native,
        Function::AsyncWithMore,
        async_site,
    );
    let fail_bytes = fail.bytes(sites)? - plain_sync;
    let shim_bytes = shim.bytes(sites)? - plain_sync;
    let sync_bytes = sync.bytes(sites)? - plain_sync;
    let task_bytes = task.bytes(sites)? - plain("plain-async", Function::Async)?;
    let more_bytes = more.bytes(sites)? - plain("plain-async-more", Function::AsyncWithMore)?;
    // What they depend on is built by now.
    let [fail_s, shim_s, sync_s, task_s] =
        seconds([&fail, &shim, &sync, &task], sites.many, effort.rounds(5))?;
    Ok(vec![
        Line::new("a call site", Some(sites.many), "bytes")
            .columns([
                ("shim", shim_bytes),
                ("native sync", sync_bytes),
                ("native async", task_bytes),
                ("beside an await", more_bytes),
                ("fail", fail_bytes),
            ])
            .bar("shim, times fail's", shim_bytes / fail_bytes, AtMost(3.0))
            .bar(
                "native sync, times fail's",
                sync_bytes / fail_bytes,
                AtMost(3.0),
            )
            .bar(
                "native async, times fail's",
                task_bytes / fail_bytes,
                AtMost(3.0),
            )
            .bar(
                "beside an await, times fail's",
                more_bytes / fail_bytes,
                AtMost(3.0),
            ),
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
