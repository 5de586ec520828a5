//! A clean build.

use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{fs, io};

use super::{Row, cargo, output, package};
use neon_failpoint_benches::measure::{Effort, median};
use neon_failpoint_benches::report::Limit::AtMost;
use neon_failpoint_benches::report::Line;

pub(super) const BUILD: Row = Row {
    name: "build",
    about: "s for a clean release build of a program with one failpoint",
    run: build,
};

/// A program that depends on `fail`.
struct Program {
    folder: PathBuf,
    effort: Effort,
}

impl Program {
    fn new(name: &str, dependency: &str, effort: Effort) -> Result<Self, String> {
        let text = "fn main() {\n    fail::fail_point!(\"build\");\n}\n";
        let dependency = format!("fail = {{ {dependency} }}");
        let folder = package(name, "2021", &dependency, "main.rs", text)?;
        let program = Self { folder, effort };
        output(&mut program.cargo(&["fetch", "--quiet"]))?;
        Ok(program)
    }

    fn cargo(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = cargo();
        command.current_dir(&self.folder).args(arguments);
        if self.effort == Effort::Smoke {
            command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0");
        }
        command
    }

    fn build(&self) -> Result<Duration, String> {
        let target = self.folder.join("target");
        if let Err(e) = fs::remove_dir_all(&target) {
            if e.kind() != io::ErrorKind::NotFound {
                return Err(format!("cannot remove {}: {e}", target.display()));
            }
        }
        let start = Instant::now();
        let arguments = ["build", "--release", "--quiet", "--offline", "--target-dir"];
        output(self.cargo(&arguments).arg(&target))?;
        Ok(start.elapsed())
    }

    fn crates(&self) -> Result<f64, String> {
        let tree = output(&mut self.cargo(&["tree", "--prefix=none", "--edges=normal,build"]))?;
        let mut lines: Vec<&str> = tree.lines().map(|l| l.trim_end_matches(" (*)")).collect();
        lines.sort_unstable();
        lines.dedup();
        // Without the program itself.
        Ok(lines.len() as f64 - 1.0)
    }
}

fn build(effort: Effort) -> Result<Vec<Line>, String> {
    let shim = concat!(env!("CARGO_MANIFEST_DIR"), "/../migration/fail");
    let features = "features = [\"failpoints\"]";
    let ours = Program::new("with-shim", &format!("path = {shim:?}, {features}"), effort)?;
    let fail = Program::new(
        "with-fail",
        &format!("version = \"=0.5.1\", {features}"),
        effort,
    )?;
    let mut samples = [const { Vec::new() }; 2];
    for _ in 0..effort.rounds(5) {
        for (program, samples) in [&ours, &fail].into_iter().zip(&mut samples) {
            samples.push(program.build()?.as_secs_f64());
        }
    }
    let [ours_s, fail_s] = samples.map(median);
    Ok(vec![
        Line::new("clean release build", None, "s")
            .columns([("shim", ours_s), ("fail", fail_s)])
            .bar("times fail's", ours_s / fail_s, AtMost(1.0)),
        Line::new("crates", None, "").columns([("shim", ours.crates()?), ("fail", fail.crates()?)]),
    ])
}
