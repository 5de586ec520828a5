//! Configures many points, in a process of its own because FAILPOINTS is read once:
//! `bench_load COLUMN` prints the ns that it takes.

use std::process::ExitCode;
use std::time::Instant;

use neon_failpoint::{compat, configure_failpoints, init};

fn main() -> ExitCode {
    let column = std::env::args().nth(1).unwrap_or_default();
    let text = std::env::var("BATCH").unwrap_or_default();
    let entries = text.split(';').filter_map(|entry| entry.split_once('='));
    let start = Instant::now();
    let configured = match column.as_str() {
        "fail" => {
            // Leaked: the time that ending it takes is not measured.
            std::mem::forget(fail::FailScenario::setup());
            true
        }
        "compat" => {
            std::mem::forget(compat::FailScenario::setup());
            true
        }
        "init" => init().is_ok(),
        "batch" => configure_failpoints(entries).is_ok(),
        _ => false,
    };
    let time = start.elapsed();
    if !configured {
        eprintln!("usage: FAILPOINTS=.. bench_load fail|compat|init, or BATCH=.. bench_load batch");
        return ExitCode::from(2);
    }
    println!("{}", time.as_nanos());
    ExitCode::SUCCESS
}
