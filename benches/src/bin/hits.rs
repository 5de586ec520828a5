//! Repeats hits, for counting instructions: `bench_hits CASE TIMES`.

use std::hint::black_box;
use std::process::ExitCode;

use neon_failpoint::{
    compat, configure_failpoint, configure_failpoints, fail_point_sync, failpoint,
};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

#[inline(never)]
fn plain() {
    black_box(());
}

#[inline(never)]
fn ours() {
    fail_point_sync!("hits");
    black_box(());
}

#[inline(never)]
fn by_compat() {
    compat::fail_point!("hits-compat");
    black_box(());
}

#[inline(never)]
fn by_fail() {
    fail::fail_point!("hits");
    black_box(());
}

#[inline(never)]
fn ours_name() {
    fail_point_sync!(black_box("hits-run-time"));
    black_box(());
}

#[inline(never)]
fn ours_future() {
    let future = pin!(failpoint(black_box("hits-run-time"), None));
    black_box(
        future
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_ready(),
    );
}

#[inline(never)]
fn fail_name() {
    fail::fail_point!(black_box("hits-run-time"));
    black_box(());
}

fn main() -> ExitCode {
    let case = std::env::args().nth(1).unwrap_or_default();
    let times = std::env::args().nth(2).and_then(|n| n.parse().ok());
    let (case, is_off) = match case.strip_suffix("-off") {
        Some(case) => (case, true),
        None => (case.as_str(), false),
    };
    let hit = match case {
        "plain" => plain,
        "ours" => ours,
        "compat" => by_compat,
        "fail" => by_fail,
        "ours-name" => ours_name,
        "ours-future" => ours_future,
        "fail-name" => fail_name,
        _ => return usage(),
    };
    let Some(times) = times else { return usage() };
    let others = (0..100).map(|i| format!("hits-other-{i}"));
    let mut configured = configure_failpoints(others.clone().map(|name| (name, "off"))).is_ok();
    for name in others {
        configured &= fail::cfg(name, "off").is_ok();
    }
    if is_off {
        configured &= configure_failpoint("hits", "off").is_ok();
        configured &= configure_failpoint("hits-compat", "off").is_ok();
        configured &= fail::cfg("hits", "off").is_ok();
    }
    assert!(configured, "the actions are valid");
    (0..times).for_each(|_: u64| hit());
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: bench_hits CASE TIMES");
    ExitCode::from(2)
}
