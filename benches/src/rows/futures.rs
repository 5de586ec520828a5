//! What a hit adds to the future that it is in, and to the heap.

use std::hint::black_box;

use neon_failpoint::{fail_point, failpoint};

use super::{Row, child};
use neon_failpoint_benches::measure::Effort;
use neon_failpoint_benches::report::Limit::AtMost;
use neon_failpoint_benches::report::Line;

pub(super) const FUTURES: Row = Row {
    name: "futures",
    about: "bytes that a hit adds to the enclosing future, and allocations",
    run: futures,
};

async fn plain(x: u64) -> u64 {
    tokio::task::yield_now().await;
    black_box(x)
}

async fn one_site(x: u64) -> u64 {
    fail_point!("bench-size-1");
    tokio::task::yield_now().await;
    black_box(x)
}

async fn ten_sites(x: u64) -> u64 {
    fail_point!("bench-size-1");
    fail_point!("bench-size-2");
    fail_point!("bench-size-3");
    fail_point!("bench-size-4");
    fail_point!("bench-size-5", |_| 0);
    fail_point!("bench-size-6", |_| 0);
    fail_point!("bench-size-7", |_| 0);
    fail_point!("bench-size-8", |_| 0);
    fail_point!("bench-size-9", |_| 0);
    fail_point!("bench-size-10", |_| 0);
    tokio::task::yield_now().await;
    black_box(x)
}

async fn by_name(name: &str, x: u64) -> u64 {
    let _ = failpoint(name, None).await;
    tokio::task::yield_now().await;
    black_box(x)
}

async fn plain_name(name: &str, x: u64) -> u64 {
    tokio::task::yield_now().await;
    black_box(name);
    black_box(x)
}

async fn by_parallel(x: u64) -> u64 {
    fail_parallel::fail_point_async!(super::parallel(), "bench-size");
    tokio::task::yield_now().await;
    black_box(x)
}

fn futures(_: Effort) -> Result<Vec<Line>, String> {
    let size = |bytes: usize, plain: usize| bytes as f64 - plain as f64;
    let plain = size_of_val(&plain(1));
    let one = size(size_of_val(&one_site(1)), plain);
    let ten = size(size_of_val(&ten_sites(1)), plain);
    let name = size(
        size_of_val(&by_name("x", 1)),
        size_of_val(&plain_name("x", 1)),
    );
    let parallel = size(size_of_val(&by_parallel(1)), plain);
    let columns = [
        ("one site", one),
        ("ten sites", ten),
        ("failpoint(name)", name),
        ("fail-parallel", parallel),
    ];
    let mut lines = vec![
        Line::new("growth of the future", None, "bytes")
            .columns(columns)
            .exact_bar("of one site", one, AtMost(40.0))
            .exact_bar("of ten sites", ten, AtMost(40.0)),
    ];
    let mut allocations = Line::new("allocations in 1,000 hits", None, "times");
    for hit in ["idle", "idle async", "by name", "off", "context"] {
        let count = child("bench_heap", &["hits", hit])?;
        allocations = allocations
            .columns([(hit, count)])
            .exact_bar(hit, count, AtMost(0.0));
    }
    lines.push(allocations);
    Ok(lines)
}
