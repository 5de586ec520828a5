//! A client sends a commit again while its first request is still on the way to the log. A
//! failpoint holds the first there, so that the second always comes in the middle: once to code
//! that writes twice, once to code that does not.
//!
//! ```text
//! cargo run --example double_commit --features testing
//! cargo test --example double_commit --features testing
//! ```

use std::collections::HashSet;
use std::error::Error;
use std::future::Future;
use std::sync::Arc;

use neon_failpoint::{arm, fail_point};
use tokio::sync::Mutex;

#[derive(Debug, Default)]
struct Ledger {
    /// The transactions that may be committed.
    prepared: Mutex<HashSet<u64>>,
    /// Those that are, in this order.
    log: Mutex<Vec<u64>>,
}

impl Ledger {
    async fn with_prepared(id: u64) -> Arc<Self> {
        let ledger = Arc::<Self>::default();
        ledger.prepared.lock().await.insert(id);
        ledger
    }
}

/// Looks, writes, and takes the transaction away: who looks before that writes, too. Whether it
/// wrote.
async fn careless_commit(ledger: Arc<Ledger>, id: u64) -> bool {
    if !ledger.prepared.lock().await.contains(&id) {
        return false;
    }
    fail_point!("careless-commit-before-log");
    ledger.log.lock().await.push(id);
    ledger.prepared.lock().await.remove(&id);
    true
}

/// Looks and takes in one step, and then writes. (Where writing can fail, it has to put the
/// transaction back.)
async fn commit(ledger: Arc<Ledger>, id: u64) -> bool {
    if !ledger.prepared.lock().await.remove(&id) {
        return false;
    }
    fail_point!("commit-before-log");
    ledger.log.lock().await.push(id);
    true
}

/// Has two requests commit transaction 7, the second while the first stands at `point`, and
/// tells of it. What the log has then.
async fn race<F>(
    point: &str,
    commit: impl Fn(Arc<Ledger>, u64) -> F,
) -> Result<Vec<u64>, Box<dyn Error>>
where
    F: Future<Output = bool> + Send + 'static,
{
    let ledger = Ledger::with_prepared(7).await;
    let tell = async |who: &str, wrote: bool| {
        let what = if wrote { "wrote" } else { "found nothing" };
        println!("   {who} {what}, the log is {:?}", ledger.log.lock().await);
    };

    // The first who comes is held; who comes later is not.
    let point = arm(point, "1*pause")?.must_fire();
    let first = tokio::spawn(commit(ledger.clone(), 7));
    point.wait_until_paused(1).await?;
    println!("   the first stands at {}", point.name());
    tell("the second", commit(ledger.clone(), 7).await).await;
    assert_eq!(point.release_one(), 1);
    tell("the first", first.await?).await;

    let log = ledger.log.lock().await.clone();
    Ok(log)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("look, write, take:");
    let log = race("careless-commit-before-log", careless_commit).await?;
    assert_eq!(log, [7, 7], "the race that this shows");

    println!("look and take, write:");
    let log = race("commit-before-log", commit).await?;
    assert_eq!(log, [7], "committed once");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With `careless_commit` and its point here it fails: `left: [7, 7]`.
    #[tokio::test]
    async fn a_retry_commits_nothing_more() {
        let ledger = Ledger::with_prepared(7).await;
        let point = arm("commit-before-log", "1*pause").unwrap().must_fire();
        let first = tokio::spawn(commit(ledger.clone(), 7));
        point.wait_until_paused(1).await.unwrap();
        commit(ledger.clone(), 7).await;
        assert_eq!(point.release_one(), 1);
        assert!(first.await.unwrap());
        assert_eq!(*ledger.log.lock().await, [7]);
    }
}
