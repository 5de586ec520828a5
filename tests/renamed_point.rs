//! What a test of a race does when somebody renames the point that it relies on: written with
//! `fail`, with a channel made by hand, and with this crate. The table in README.md says what
//! is proved here.
//!
//! Each deposit has the bug that its test is there to find: it loses what another one paid in
//! meanwhile. So a test that passes has tested nothing.
//!
//! Alone for its call sites: the messages name those that are nearest. It is in no scope, as the
//! tests that it is about.
#![cfg(all(feature = "testing", feature = "async", feature = "context"))]

use std::error::Error;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use neon_failpoint::{arm, fail_point};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

/// For one test.
type Balance = &'static AtomicU64;

fn balance() -> Balance {
    Box::leak(Box::default())
}

fn read(balance: Balance) -> u64 {
    balance.load(Ordering::SeqCst)
}

fn write(balance: Balance, amount: u64) {
    balance.store(amount, Ordering::SeqCst);
}

/// Deposits that differ in the name of the point. (That of a site is a literal.)
macro_rules! deposits_with_fail {
    ($($deposit:ident $name:literal)*) => {$(
        async fn $deposit(balance: Balance, amount: u64) {
            let seen = read(balance);
            fail::fail_point!($name);
            write(balance, seen + amount);
        }
    )*};
}

deposits_with_fail! {
    with_fail "fail-before-store"
    with_fail_renamed "fail_before_store"
}

// By the clock of tokio, which is paused: the sleep takes no time, and ends when the spawned task
// has nothing more to do.
#[tokio::test(start_paused = true)]
async fn with_fail_a_pause_and_a_sleep_pass_without_a_test() {
    let balance = balance();
    fail::cfg("fail-before-store-by-sleep", "1*pause").unwrap();
    let first = tokio::spawn(with_fail_renamed(balance, 100));
    sleep(Duration::from_millis(100)).await;
    with_fail_renamed(balance, 10).await;
    fail::remove("fail-before-store-by-sleep");
    first.await.unwrap();
    assert_eq!(read(balance), 110);
}

/// A callback of `fail` that says that it is there and waits until it may go on.
fn fail_callback(name: &str) -> (mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (there, arrived) = mpsc::channel();
    let (release, go) = mpsc::channel();
    // Only the first stops.
    let first = Mutex::new(Some((there, go)));
    fail::cfg_callback(name, move || {
        let first = first.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((there, go)) = first {
            there.send(()).unwrap();
            go.recv().unwrap();
        }
    })
    .unwrap();
    (arrived, release)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn with_fail_a_callback_finds_the_bug_while_the_name_is_right() {
    let balance = balance();
    let (arrived, release) = fail_callback("fail-before-store");
    let first = tokio::spawn(with_fail(balance, 100));
    arrived.recv().unwrap();
    with_fail(balance, 10).await;
    release.send(()).unwrap();
    first.await.unwrap();
    assert_eq!(read(balance), 100);
}

#[tokio::test]
async fn with_fail_a_callback_hangs_after_a_rename() {
    let (arrived, _release) = fail_callback("fail-before-store-by-callback");
    tokio::spawn(with_fail_renamed(balance(), 100))
        .await
        .unwrap();
    // The deposit is over, and the test would wait for ever: the sender lives in the callback.
    assert_eq!(arrived.try_recv(), Err(mpsc::TryRecvError::Empty));
}

/// What a channel made by hand adds to the function.
struct Gate {
    there: oneshot::Sender<()>,
    go: oneshot::Receiver<()>,
}

async fn with_channel(balance: Balance, amount: u64, gate: Option<Gate>) {
    let seen = read(balance);
    if let Some(gate) = gate {
        gate.there.send(()).unwrap();
        gate.go.await.unwrap();
    }
    write(balance, seen + amount);
}

/// The gate gets lost: somebody takes the four lines away, but not the parameter.
async fn with_channel_lost(balance: Balance, amount: u64, _gate: Option<Gate>) {
    let seen = read(balance);
    write(balance, seen + amount);
}

fn gate() -> (oneshot::Receiver<()>, oneshot::Sender<()>, Gate) {
    let (there, arrived) = oneshot::channel();
    let (release, go) = oneshot::channel();
    (arrived, release, Gate { there, go })
}

#[tokio::test]
async fn a_channel_finds_the_bug() {
    let balance = balance();
    let (arrived, release, gate) = gate();
    let first = tokio::spawn(with_channel(balance, 100, Some(gate)));
    arrived.await.unwrap();
    with_channel(balance, 10, None).await;
    release.send(()).unwrap();
    first.await.unwrap();
    assert_eq!(read(balance), 100);
}

#[tokio::test]
async fn a_channel_that_gets_lost_is_an_error_where_it_is_dropped() {
    let (arrived, _release, gate) = gate();
    tokio::spawn(with_channel_lost(balance(), 100, Some(gate)));
    arrived.await.unwrap_err();
}

#[tokio::test]
async fn a_channel_that_gets_lost_hangs_where_it_is_kept() {
    let (mut arrived, _release, gate) = gate();
    let first = tokio::spawn(async {
        with_channel_lost(balance(), 100, None).await;
        // It is in a field of whoever lives on.
        gate
    });
    let _gate = first.await.unwrap();
    let hangs = Err(oneshot::error::TryRecvError::Empty);
    assert_eq!(arrived.try_recv(), hangs);
}

/// What `rustc` says of a gate whose field is `in_code`, and `there` in the test.
fn compile_a_gate_with(in_code: &str) -> Result<(), String> {
    let source = format!(
        "pub struct Gate {{ pub {in_code}: u8 }}\n\
         pub fn test() -> Gate {{ Gate {{ there: 1 }} }}\n"
    );
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join(format!("renamed_point-{in_code}.rs"));
    std::fs::write(&file, source).unwrap();
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = Command::new(rustc);
    command.args(["--crate-type=lib", "--emit=metadata", "--out-dir"]);
    let output = command.arg(folder).arg(&file).output().unwrap();
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

#[test]
fn a_channel_that_is_renamed_does_not_compile() {
    assert_eq!(compile_a_gate_with("there"), Ok(()));
    let error = compile_a_gate_with("reached").unwrap_err();
    assert!(error.contains("E0560"), "{error}");
}

macro_rules! deposits {
    ($($deposit:ident $name:literal)*) => {$(
        async fn $deposit(balance: Balance, amount: u64) {
            let seen = read(balance);
            fail_point!($name);
            write(balance, seen + amount);
        }
    )*};
}

deposits! {
    deposit "deposit-before-store"
    withdraw_renamed "withdraw-before-write"
    transfer_renamed "transfer-before-write"
}

#[tokio::test]
async fn with_this_crate_the_bug_is_found_while_the_name_is_right() {
    let balance = balance();
    let point = arm("deposit-before-store", "1*pause").unwrap().must_fire();
    let first = tokio::spawn(deposit(balance, 100));
    point.wait_until_paused(1).await.unwrap();
    deposit(balance, 10).await;
    assert_eq!(point.release_one(), 1);
    first.await.unwrap();
    assert_eq!(read(balance), 100);
}

/// What a test panics with.
async fn failure<T: Send + 'static>(test: impl Future<Output = T> + Send + 'static) -> String {
    let Err(error) = tokio::spawn(test).await else {
        panic!("it passes")
    };
    *error.into_panic().downcast::<String>().unwrap()
}

// Each with a paused clock: the 30 seconds of the deadline take no time.

#[tokio::test(start_paused = true)]
async fn with_this_crate_the_guard_names_the_nearest() {
    let start = Instant::now();
    let failure = failure(async {
        let balance = balance();
        let point = arm("withdraw-before-store", "1*pause")?.must_fire();
        let first = tokio::spawn(withdraw_renamed(balance, 100));
        // With `?` the guard is what the test ends with.
        point.wait_until_paused(1).await?;
        withdraw_renamed(balance, 10).await;
        assert_eq!(point.release_one(), 1);
        first.await?;
        assert_eq!(read(balance), 110);
        Ok::<_, Box<dyn Error + Send + Sync>>(())
    });
    let failure = failure.await;
    assert!(start.elapsed() >= Duration::from_secs(30));
    assert!(start.elapsed() < Duration::from_secs(31));
    for part in [
        r#"failpoint "withdraw-before-store", armed at "#,
        "renamed_point.rs:",
        "was to fire and did not",
        "no call site has that name",
        r#"names like it are ["withdraw-before-write""#,
        // The error that the test was to return.
        "0 of 1 waited at it within 30s",
    ] {
        assert!(failure.contains(part), "no {part:?}: {failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn with_this_crate_the_wait_ends_with_an_error_that_says_that_nobody_came() {
    let failure = failure(async {
        let point = arm("withdraw-before-store-2", "1*pause").unwrap();
        let point = point.must_fire().with_deadline(Duration::from_secs(5));
        let _first = tokio::spawn(withdraw_renamed(balance(), 100));
        // With `unwrap` the wait is: the guard says nothing while its thread panics.
        point.wait_until_paused(1).await.unwrap();
    });
    let failure = failure.await;
    for part in [
        r#"failpoint "withdraw-before-store-2""#,
        "within 5s",
        r#""withdraw-before-store-2" (1*pause): hits 0, fired 0, waiting 0"#,
    ] {
        assert!(failure.contains(part), "no {part:?}: {failure}");
    }
}

#[tokio::test]
async fn with_this_crate_a_test_that_does_not_wait_fails_at_once() {
    let failure = failure(async {
        let _point = arm("transfer-before-store", "1*off").unwrap().must_fire();
        transfer_renamed(balance(), 10).await;
    });
    let failure = failure.await;
    for part in [
        r#"failpoint "transfer-before-store", armed at "#,
        "was to fire and did not",
        "no call site has that name",
        r#"names like it are ["transfer-before-write""#,
    ] {
        assert!(failure.contains(part), "no {part:?}: {failure}");
    }
}
