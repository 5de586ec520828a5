//! `moka`, the cache for async code: concurrent calls of `get_with` for a key that is not there "are coalesced into
//! one evaluation of the `init` future", and if the call that evaluates it is dropped, another evaluates its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use moka::Entry;
use moka::future::Cache;
use moka::ops::compute::Op;
use neon_failpoint::explore::{Explorer, cancellable};
use neon_failpoint::fail_point;

use crate::explored::{complete, fails};
use crate::limit::Limit;

/// Three callers, each of which may go away; all that stay have the value of one evaluation.
async fn three_callers() {
    let cache: Cache<&str, u32> = Cache::new(10);
    let in_flight = Limit::new("inits are in flight", 1);
    let evaluated = Arc::new(AtomicU32::new(0));
    let callers = [1, 2, 3].map(|_| {
        let (cache, in_flight) = (cache.clone(), in_flight.clone());
        let evaluated = evaluated.clone();
        tokio::spawn(cancellable(async move {
            fail_point!("call");
            let init = async {
                let _inside = in_flight.enter();
                fail_point!("init");
                evaluated.fetch_add(1, SeqCst) + 1
            };
            cache.get_with("key", init).await
        }))
    });
    for caller in callers {
        let got = caller.await.unwrap();
        assert!(matches!(got, None | Some(1)), "{got:?}");
    }
    // At most two went away.
    assert_eq!(cache.get("key").await, Some(1));
}

#[test]
fn one_init_is_evaluated_whoever_goes_away_in_0_12_16() {
    let explorer = Explorer::new().preemptions(usize::MAX).cancellations(2);
    complete(explorer, 222, three_callers);
}

#[derive(Clone, Debug)]
struct Refused;

/// An `init` that fails is told to all that waited for it, and not kept.
async fn one_init_fails() {
    let cache: Cache<&str, u32> = Cache::new(10);
    let in_flight = Limit::new("inits are in flight", 1);
    let call = |cache: Cache<&'static str, u32>, in_flight: Arc<Limit>| async move {
        let init = async {
            let _inside = in_flight.enter();
            fail_point!("init", |_| Err(Refused));
            Ok(7)
        };
        cache.try_get_with("key", init).await
    };
    let callers = [1, 2, 3].map(|_| {
        let call = call(cache.clone(), in_flight.clone());
        tokio::spawn(cancellable(async {
            fail_point!("call");
            call.await
        }))
    });
    for caller in callers {
        caller.await.unwrap();
    }
    let first = call(cache.clone(), in_flight.clone()).await;
    let then = call(cache.clone(), in_flight.clone()).await;
    // There is one fault in a run.
    assert!(first.is_ok() || then.is_ok(), "{first:?}, {then:?}");
}

#[test]
fn an_error_is_not_kept_in_0_12_16() {
    let explorer = Explorer::new().preemptions(usize::MAX);
    let explorer = explorer.faults(1, "return").cancellations(1);
    complete(explorer, 222, one_init_fails);
}

/// How a writer lets the cache know.
#[derive(Clone, Copy)]
enum Refresh {
    Invalidate,
    Insert,
    Upsert,
}

/// What is cached changes while it is read for the first time. The writer lets the cache know; and then a later read
/// should have the change.
async fn changed_while_it_is_read(refresh: Refresh) {
    let cache: Cache<&'static str, u32> = Cache::new(10);
    let source = Arc::new(AtomicU32::new(1));
    let read = |cache: Cache<&'static str, u32>, source: Arc<AtomicU32>| async move {
        let init = async {
            let value = source.load(SeqCst);
            fail_point!("read");
            value
        };
        cache.get_with("key", init).await
    };
    let reader = tokio::spawn(read(cache.clone(), source.clone()));
    let writer = tokio::spawn({
        let (cache, source) = (cache.clone(), source.clone());
        async move {
            fail_point!("write");
            source.store(2, SeqCst);
            match refresh {
                Refresh::Invalidate => cache.invalidate("key").await,
                Refresh::Insert => cache.insert("key", 2).await,
                Refresh::Upsert => {
                    let entry = cache.entry("key");
                    entry.and_upsert_with(|_| std::future::ready(2)).await;
                }
            }
        }
    });
    reader.await.unwrap();
    writer.await.unwrap();
    let now = read(cache, source).await;
    assert_eq!(now, 2, "the old value is kept");
}

/// So it is with whatever loads a value outside of a lock. moka's documentation promises no more.
#[test]
fn no_refresh_reaches_an_init_in_flight_in_0_12_16() {
    for refresh in [Refresh::Invalidate, Refresh::Insert, Refresh::Upsert] {
        fails(Explorer::new(), "the old value is kept", || {
            changed_while_it_is_read(refresh)
        });
    }
}

/// Reads and writes that both compute have one lock for a key: "`and_compute_with` calls on the same key are executed
/// serially".
async fn changed_while_it_is_computed() {
    let cache: Cache<&'static str, u32> = Cache::new(10);
    let source = Arc::new(AtomicU32::new(1));
    let read = |cache: Cache<&'static str, u32>, source: Arc<AtomicU32>| async move {
        let load = async |there: Option<Entry<_, u32>>| {
            if there.is_some() {
                return Op::Nop;
            }
            let value = source.load(SeqCst);
            fail_point!("read");
            Op::Put(value)
        };
        let result = cache.entry("key").and_compute_with(load).await;
        result.into_entry().unwrap().into_value()
    };
    let reader = tokio::spawn(read(cache.clone(), source.clone()));
    let writer = tokio::spawn({
        let (cache, source) = (cache.clone(), source.clone());
        async move {
            fail_point!("write");
            source.store(2, SeqCst);
            let forget = |_| std::future::ready(Op::Remove);
            cache.entry("key").and_compute_with(forget).await;
        }
    });
    reader.await.unwrap();
    writer.await.unwrap();
    assert_eq!(read(cache, source).await, 2, "the old value is kept");
}

#[test]
fn what_is_computed_is_refreshed_in_0_12_16() {
    let explorer = Explorer::new().preemptions(usize::MAX);
    complete(explorer, 2, changed_while_it_is_computed);
}
