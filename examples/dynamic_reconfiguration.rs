//! A worker writes ticks and hits a failpoint before each. While it runs, the
//! failpoint is reconfigured again and again: pause, sleep, return, removed.
//!
//! ```text
//! cargo run --example dynamic_reconfiguration --features testing
//! ```
//!
//! A waiter under the old configuration continues when there is a new one, as if nothing had
//! happened: the new one is for later hits.

use std::error::Error;
use std::time::Duration;

use neon_failpoint::{
    FailpointInfo, FailpointResult, configure_failpoint, failpoint, list_failpoints,
    remove_failpoint, wait_until_paused,
};
use tokio::sync::watch;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const ROUNDS: u32 = 8;

/// A step that takes longer has gone wrong.
const PATIENCE: Duration = Duration::from_secs(30);

/// The code under test: writes a tick a round, unless the failpoint says otherwise.
async fn worker(ticks: watch::Sender<u32>) {
    for round in 1..=ROUNDS {
        match failpoint("before-tick", None).await {
            FailpointResult::Continue => {
                ticks.send_modify(|n| *n += 1);
                println!("   worker: round {round}, tick");
            }
            FailpointResult::Return(reason) => {
                println!("   worker: round {round}, no tick: {reason}");
            }
            FailpointResult::Cancelled => unreachable!("no token was given"),
        }
    }
}

/// Waits until the worker is paused or sleeps at the failpoint, under its present configuration:
/// each one begins with no waiters.
async fn worker_waits() -> Result<FailpointInfo> {
    wait_until_paused("before-tick", 1).await?;
    let mut points = list_failpoints().into_iter();
    let point = points.find(|point| point.name() == "before-tick");
    Ok(point.ok_or("before-tick is not listed")?)
}

fn check(is_true: bool, what: &str) -> Result<()> {
    let checked = is_true.then_some(());
    checked.ok_or_else(|| format!("not as it should be: {what}").into())
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let (sender, ticks) = watch::channel(0);

    println!("pause, armed before the worker starts");
    configure_failpoint("before-tick", "pause")?;
    let worker = tokio::spawn(worker(sender));
    let point = worker_waits().await?;
    let (actions, waiting) = (point.actions().unwrap_or_default(), point.waiters().len());
    check(*ticks.borrow() == 0, "no tick before the failpoint")?;
    println!("   here: {actions}, {waiting} task waits, no tick is written");

    println!("sleep for an hour: round 1 goes on, round 2 sleeps");
    configure_failpoint("before-tick", "sleep(3600000)")?;
    let point = worker_waits().await?;
    check(*ticks.borrow() == 1, "the paused round wrote its tick")?;

    println!("return three times, then pause: round 2 wakes up and goes on");
    configure_failpoint("before-tick", "3*return(not now)->pause")?;
    let asleep = point.waiters()[0].since().elapsed();
    let point = worker_waits().await?;
    check(*ticks.borrow() == 2, "the sleeping round wrote its tick")?;
    check(point.fired() == 4, "three returns and a pause")?;
    check(asleep < Duration::from_secs(3600), "it was woken early")?;

    println!("removed: round 6 goes on, and nothing is in the way any more");
    remove_failpoint("before-tick");
    tokio::time::timeout(PATIENCE, worker).await??;
    check(*ticks.borrow() == 5, "8 rounds without the 3 returned")?;
    println!("5 ticks in {ROUNDS} rounds");
    Ok(())
}
