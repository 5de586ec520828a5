//! Configuring many points at once.

use super::{Row, child_with};
use neon_failpoint_benches::measure::{Effort, median};
use neon_failpoint_benches::report::Limit::AtMost;
use neon_failpoint_benches::report::Line;

pub(super) const LOAD: Row = Row {
    name: "load",
    about: "ms to configure many points from FAILPOINTS or in one batch",
    run: load,
};

fn load(effort: Effort) -> Result<Vec<Line>, String> {
    let points = effort.size(10_000);
    // Short: Linux allows 128 KiB in one variable.
    let entries: Vec<String> = (0..points).map(|i| format!("p{i}=return")).collect();
    let points_text = entries.join(";");
    // A native use would read FAILPOINTS before the batch.
    let run = |column| {
        let variable = if column == "batch" {
            "BATCH"
        } else {
            "FAILPOINTS"
        };
        child_with("bench_load", &[column], &[(variable, &points_text)])
    };
    let names = ["fail", "compat", "init", "batch"];
    let mut samples = [const { Vec::new() }; 4];
    for _ in 0..effort.rounds(21) {
        for (name, samples) in names.iter().zip(&mut samples) {
            samples.push(run(name)?);
        }
    }
    let [fail, compat, init, batch] = samples.map(median);
    let columns = names.into_iter().zip([fail, compat, init, batch]);
    let worst = compat.max(init).max(batch);
    let line = Line::new("points", Some(points), "ms")
        .columns(columns.map(|(column, ns)| (column, ns / 1e6)))
        .bar("times fail's", worst / fail, AtMost(1.5));
    Ok(vec![line])
}
