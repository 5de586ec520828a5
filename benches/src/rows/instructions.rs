//! Instructions instead of time: the same in every run.

use std::io;
use std::process::Command;

use super::{PROFILE, Row, cargo, output};
use neon_failpoint_benches::measure::Effort;
use neon_failpoint_benches::report::Line;

pub(super) const INSTRUCTIONS: Row = Row {
    name: "instructions",
    about: "instructions per hit, counted by callgrind where valgrind is installed",
    run: instructions,
};

fn instructions(effort: Effort) -> Result<Vec<Line>, String> {
    match Command::new("valgrind").arg("--version").output() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            println!("  valgrind is not installed: skipped");
            return Ok(Vec::new());
        }
        Err(e) => return Err(format!("cannot start valgrind: {e}")),
        Ok(_) => {}
    }
    output(cargo().args([
        "build",
        "--profile",
        PROFILE,
        "--quiet",
        "--bin",
        "bench_hits",
    ]))?;
    let program = std::env::current_exe()
        .map_err(|e| format!("this program has no path: {e}"))?
        .with_file_name(format!("bench_hits{}", std::env::consts::EXE_SUFFIX));
    let count = |case: &str, hits: usize| {
        let counted = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(&program)
            .args([case, &hits.to_string()])
            .output()
            .map_err(|e| format!("cannot start valgrind: {e}"))?;
        let said = String::from_utf8_lossy(&counted.stderr);
        let total = said
            .lines()
            .find_map(|line| line.split_once("Collected :")?.1.trim().parse::<f64>().ok());
        total.ok_or_else(|| format!("valgrind counted nothing:\n{said}"))
    };
    let hits = effort.size(10_000);
    let works = [
        ("literal site, idle", ["plain", "ours", "compat", "fail"]),
        (
            "run-time name, absent",
            ["plain", "ours-name", "ours-future", "fail-name"],
        ),
        ("off", ["plain", "ours-off", "compat-off", "fail-off"]),
    ];
    let mut lines = Vec::new();
    for (work, cases) in works.into_iter().take(effort.rounds(works.len())) {
        let mut line = Line::new(work, Some(100), "instructions");
        for case in cases {
            let per_hit = (count(case, 2 * hits)? - count(case, hits)?) / hits as f64;
            line = line.columns([(case, per_hit)]);
        }
        lines.push(line);
    }
    Ok(lines)
}
