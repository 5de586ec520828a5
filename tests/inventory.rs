//! Proves what the inventory lists: what is compiled in with what is configured, what was
//! counted in all, and who waits since when and with which context. Shares the global table:
//! every test has names of its own; those that remove everything run alone.

mod common;
#[path = "common/control.rs"]
mod control;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{info, now, poll_once, within_deadline};
use control::{Crew, alone, shared};
use neon_failpoint::FailpointResult::{self, Cancelled, Continue};
use neon_failpoint::{
    Armed, FailpointInfo, arm, arm_callback, compat, configure_failpoint,
    configure_failpoint_with_context, configure_failpoints, fail_point, fail_point_sync,
    fail_point_with_context_sync, failpoint, failpoint_blocking, failpoint_context,
    failpoint_with_cancellation, list_failpoints, pausable_failpoint, release_failpoint,
    remove_all_failpoints, remove_failpoint, sleep_millis_async, wait_until_paused,
};
use proptest::prelude::*;
use tokio_util::sync::CancellationToken;

fn listed(name: &str) -> FailpointInfo {
    let points = list_failpoints();
    let point = points.into_iter().find(|p| p.name() == name);
    point.unwrap_or_else(|| panic!("{name:?} is not listed"))
}

/// All hits and all that fired under the name.
fn totals(name: &str) -> (usize, usize) {
    let totals = listed(name).totals();
    (totals.hits, totals.fired)
}

fn delay(name: &str) -> Duration {
    listed(name).totals().delay
}

fn hit(name: &str) -> FailpointResult {
    failpoint_blocking(name, None)
}

#[track_caller]
fn standing<'a>(name: &'a str) -> Pin<Box<impl Future<Output = FailpointResult> + 'a>> {
    let mut hit = Box::pin(failpoint(name, None));
    assert!(poll_once(hit.as_mut()).is_pending());
    hit
}

const MILLIS: Duration = Duration::from_millis(1);

/// Not a way to wait for somebody: what is measured is time.
fn some_time() {
    let start = Instant::now();
    while start.elapsed() < 3 * MILLIS {
        thread::yield_now();
    }
}

// What is compiled in.

/// Never called: it is enough to be compiled in.
async fn sites() {
    fail_point_sync!("inventory-sites");
    fail_point!("inventory-sites");
    let _ = pausable_failpoint!("inventory-sites").await;
    sleep_millis_async!("inventory-sites").await;
    compat::fail_point!("inventory-sites");
    compat::async_fail_point!("inventory-sites");
    let context = failpoint_context! { "k" => "v" };
    fail_point_with_context_sync!("inventory-sites", &context);
    // A name that is made at run time has no site.
    let name = String::from("inventory-sites-none");
    fail_point_sync!(&name);
}

#[test]
fn every_site_is_listed_with_its_file_its_line_and_whether_it_awaits() {
    let _table = shared();
    let _ = sites;
    let first = listed("inventory-sites").call_sites()[0].line();
    let sites = listed("inventory-sites");
    let sites: Vec<_> = sites
        .call_sites()
        .iter()
        .map(|site| {
            assert_eq!(site.file(), file!());
            assert_eq!(site.to_string(), format!("{}:{}", file!(), site.line()));
            (site.line() - first, site.awaits())
        })
        .collect();
    let expected = [
        (0, false),
        (1, true),
        (2, true),
        (3, true),
        (4, false),
        (5, true),
        (7, false),
    ];
    assert_eq!(sites, expected);
    let point = listed("inventory-sites");
    assert!(!point.is_configured());
    assert_eq!((point.actions(), point.hits(), point.fired()), (None, 0, 0));
    assert_eq!(totals("inventory-sites"), (0, 0));
    let names: Vec<_> = list_failpoints()
        .iter()
        .map(|p| p.name().to_owned())
        .collect();
    assert!(!names.contains(&"inventory-sites-none".to_owned()));
    assert!(names.is_sorted());
    let text = point.to_string();
    assert!(
        text.starts_with("\"inventory-sites\": not configured; at "),
        "{text}"
    );
    assert_eq!(text.matches(file!()).count(), 7, "{text}");
}

#[test]
fn what_is_configured_is_merged_with_what_is_compiled_in() {
    let _table = alone();
    let hits = || fail_point_sync!("inventory-merged", |_| ());
    let line = line!() - 1;
    hits();
    configure_failpoint_with_context(
        "inventory-merged",
        "2*off->return",
        [("k", "v"), ("j", "w")],
    )
    .unwrap();
    configure_failpoint("inventory-by-name", "when(k=v)off").unwrap();
    hits();
    assert_eq!(hit("inventory-by-name"), Continue);
    let point = listed("inventory-merged");
    let matchers = [("j", "w"), ("k", "v")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert_eq!(point.matchers(), matchers);
    assert_eq!((point.hits(), point.fired()), (1, 0));
    assert_eq!(
        point.to_string(),
        format!(
            "\"inventory-merged\" ({}): hits 1, fired 0, waiting 0; at {}:{line}",
            point.actions().unwrap(),
            file!()
        )
    );
    let point = listed("inventory-by-name");
    assert_eq!(
        point.to_string(),
        "\"inventory-by-name\" (when(k=\"v\")off): hits 1, fired 0, waiting 0"
    );
    let names: Vec<_> = list_failpoints()
        .iter()
        .map(|p| p.name().to_owned())
        .collect();
    assert!(names.is_sorted(), "{names:?}");
    assert_eq!(names.iter().filter(|n| n.contains("merged")).count(), 1);
    remove_all_failpoints();
    assert!(list_failpoints().iter().all(|p| !p.is_configured()));
    assert!(
        list_failpoints()
            .iter()
            .all(|p| p.name() != "inventory-by-name")
    );
}

#[test]
fn a_guard_is_listed_as_what_it_configures() {
    let _table = shared();
    let name = "inventory-guard";
    let older = arm(name, "off").unwrap();
    let younger = arm_callback(name, || {}).unwrap();
    assert_eq!(listed(name).actions(), Some("callback"));
    remove_failpoint(name);
    assert!(info(name).is_none());
    drop(younger);
    assert_eq!(listed(name).actions(), Some("off"));
    drop(older);
    assert!(info(name).is_none());
}

// Who waits.

#[test]
fn who_waits_is_listed_in_order_with_kind_time_and_context() {
    let _table = shared();
    within_deadline("who waits is listed", || {
        let name = "inventory-waiters";
        configure_failpoint(name, "pause").unwrap();
        let before = Instant::now();
        let context = failpoint_context! { "tenant" => "t-1", "op" => "a \"b\"" };
        let mut task = pin!(failpoint(name, Some(&context)));
        assert!(poll_once(task.as_mut()).is_pending());
        let with = context.clone();
        let thread = thread::spawn(move || failpoint_blocking(name, Some(&with)));
        wait_until_paused(name, 2).blocking().unwrap();
        let last = standing(name);
        let after = Instant::now();
        let point = listed(name);
        let waiters = point.waiters();
        let kinds: Vec<_> = waiters.iter().map(|w| w.is_blocking()).collect();
        assert_eq!(kinds, [false, true, false]);
        let contexts: Vec<_> = waiters.iter().map(|w| w.context()).collect();
        assert_eq!(contexts, [Some(&context), Some(&context), None]);
        let times: Vec<_> = waiters.iter().map(|w| w.since()).collect();
        assert!(times.is_sorted() && times[0] >= before && times[2] <= after);
        let lines: Vec<_> = waiters.iter().map(|w| w.to_string()).collect();
        for (line, begins, ends) in [
            (
                &lines[0],
                "a task for ",
                r#" s with op="a \"b\"", tenant="t-1""#,
            ),
            (
                &lines[1],
                "a thread for ",
                r#" s with op="a \"b\"", tenant="t-1""#,
            ),
            (&lines[2], "a task for ", " s"),
        ] {
            assert!(line.starts_with(begins) && line.ends_with(ends), "{line}");
        }
        let text = point.to_string();
        assert!(
            text.contains("hits 3, fired 3, waiting 3: a task for "),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1);
        assert_eq!(release_failpoint(name, 1).unwrap(), 1);
        let kinds: Vec<_> = listed(name)
            .waiters()
            .iter()
            .map(|w| w.is_blocking())
            .collect();
        assert_eq!(kinds, [true, false]);
        remove_failpoint(name);
        assert_eq!((now(task), now(last)), (Continue, Continue));
        assert_eq!(thread.join().unwrap(), Continue);
    });
}

#[test]
fn who_went_is_not_listed_any_more() {
    let _table = shared();
    Crew::each("who went", |crew| async move {
        let name = crew.name("inventory-went");
        let guard = arm(&name, "pause").unwrap();
        let hits: Vec<_> = (0..3).map(|_| crew.hit(&name)).collect();
        crew.wait(guard.wait_until_paused(3)).await.unwrap();
        assert_eq!(listed(&name).waiters().len(), 3);
        assert_eq!(guard.release(2), 2);
        assert_eq!(listed(&name).waiters().len(), 1);
        drop(guard);
        for hit in hits {
            assert_eq!(hit.result().await, Continue);
        }
    });
}

// Totals.

#[test]
fn totals_grow_over_configurations_and_begin_again_once_the_name_was_removed() {
    let _table = shared();
    let name = "inventory-totals";
    for _ in 0..2 {
        let mut expected = (0, 0);
        let configures: [fn(&str); 5] = [
            |n| configure_failpoint(n, "off").unwrap(),
            |n| configure_failpoint(n, "1*off").unwrap(),
            |n| configure_failpoints([(n, "return")]).unwrap(),
            |n| neon_failpoint::configure_failpoint_callback(n, || {}).unwrap(),
            |n| compat::cfg(n, "0*off").unwrap(),
        ];
        for (i, configure) in configures.into_iter().enumerate() {
            configure(name);
            assert_eq!(listed(name).hits(), 0);
            assert_eq!(totals(name), expected);
            let _ = (hit(name), hit(name));
            let fired = [2, 1, 2, 2, 0][i];
            expected = (expected.0 + 2, expected.1 + fired);
            assert_eq!((listed(name).hits(), listed(name).fired()), (2, fired));
            assert_eq!(totals(name), expected);
        }
        remove_failpoint(name);
        assert!(info(name).is_none());
    }
}

#[test]
fn totals_count_what_guards_had_and_what_they_were_over() {
    let _table = shared();
    let name = "inventory-layers";
    configure_failpoint(name, "off").unwrap();
    let _ = hit(name);
    let older = arm(name, "off").unwrap();
    let _ = (hit(name), hit(name));
    assert_eq!(totals(name), (3, 3));
    older.configure("0*off").unwrap();
    let _ = hit(name);
    let younger = arm(name, "off").unwrap();
    let _ = hit(name);
    assert_eq!(totals(name), (5, 4));
    older.configure("off").unwrap();
    assert_eq!(totals(name), (5, 4));
    drop(older);
    assert_eq!(totals(name), (5, 4));
    drop(younger);
    assert_eq!((totals(name), listed(name).hits()), ((5, 4), 1));
    let _ = hit(name);
    assert_eq!(totals(name), (6, 5));
    remove_failpoint(name);
}

/// The name stayed configured all the time, so nothing that was counted is lost.
#[test]
fn totals_keep_what_an_older_guard_had_over_nothing() {
    let _table = shared();
    let name = "inventory-over-nothing";
    let older = arm(name, "off").unwrap();
    let _ = hit(name);
    let younger = arm(name, "off").unwrap();
    let _ = hit(name);
    assert_eq!(totals(name), (2, 2));
    drop(older);
    assert_eq!(totals(name), (2, 2));
    drop(younger);
    assert!(info(name).is_none());
}

/// "Since it was last not configured": now it is not.
#[test]
fn totals_of_a_name_that_is_not_configured_are_nothing() {
    let _table = shared();
    let site = || fail_point_sync!("inventory-beneath", |_| ());
    configure_failpoint("inventory-beneath", "off").unwrap();
    site();
    let guard = arm("inventory-beneath", "off").unwrap();
    site();
    remove_failpoint("inventory-beneath");
    let point = listed("inventory-beneath");
    assert!(!point.is_configured());
    let seen = (point.totals().hits, point.totals().fired);
    drop(guard);
    remove_failpoint("inventory-beneath");
    assert_eq!(seen, (0, 0));
}

#[derive(Clone, Debug)]
enum Op {
    Hit,
    Arm(bool),
    Drop(prop::sample::Index),
    Configure(prop::sample::Index, bool),
    Plain(bool),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        5 => Just(Op::Hit),
        3 => any::<bool>().prop_map(Op::Arm),
        2 => any::<prop::sample::Index>().prop_map(Op::Drop),
        2 => (any::<prop::sample::Index>(), any::<bool>()).prop_map(|(i, f)| Op::Configure(i, f)),
        1 => any::<bool>().prop_map(Op::Plain),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(1_000)
    })]

    #[test]
    fn totals_are_all_hits_for_as_long_as_the_name_stays_configured(
        has_base in any::<bool>(),
        ops in prop::collection::vec(op(), 0..40),
    ) {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let _table = shared();
        let name = format!("inventory-property-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let text = |fires: &bool| if *fires { "off" } else { "0*off" };
        let mut guards: Vec<Armed> = Vec::new();
        let (mut fires, mut expected) = (Vec::new(), (0, 0));
        if has_base {
            configure_failpoint(&name, "off").unwrap();
            fires.push(true);
        } else {
            guards.push(arm(&name, "off").unwrap());
            fires.push(true);
        }
        let base = usize::from(has_base);
        for op in &ops {
            match op {
                Op::Hit => {
                    let _ = hit(&name);
                    let fired = *fires.last().unwrap();
                    expected = (expected.0 + 1, expected.1 + usize::from(fired));
                }
                Op::Arm(fire) => {
                    guards.push(arm(&name, text(fire)).unwrap());
                    fires.push(*fire);
                }
                // The last of all would leave nothing.
                Op::Drop(index) if fires.len() > 1 && !guards.is_empty() => {
                    let at = index.index(guards.len());
                    drop(guards.remove(at));
                    fires.remove(at + base);
                }
                Op::Configure(index, fire) if !guards.is_empty() => {
                    let at = index.index(guards.len());
                    guards[at].configure(text(fire)).unwrap();
                    fires[at + base] = *fire;
                }
                Op::Plain(fire) => {
                    configure_failpoint(&name, text(fire)).unwrap();
                    *fires.last_mut().unwrap() = *fire;
                }
                Op::Drop(_) | Op::Configure(..) => {}
            }
            prop_assert_eq!(totals(&name), expected);
        }
        drop(guards);
        remove_failpoint(&name);
    }
}

#[test]
fn totals_never_shrink_while_threads_hit_and_configurations_come_and_go() {
    let _table = shared();
    within_deadline("totals under load", || {
        let name = "inventory-grow";
        configure_failpoint(name, "off").unwrap();
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let _ = hit(name);
                    }
                });
            }
            let mut before = (0, 0, Duration::ZERO);
            for round in 0..1_500 {
                let guard = arm(name, "off").unwrap();
                configure_failpoint(name, "0*off").unwrap();
                let younger = arm(name, "off").unwrap();
                match round % 3 {
                    0 => drop(guard),
                    1 => guard.configure("off").unwrap(),
                    _ => younger.configure("off").unwrap(),
                }
                drop(younger);
                let now = listed(name).totals();
                let now = (now.hits, now.fired, now.delay);
                assert!(now.0 >= before.0 && now.1 >= before.1 && now.2 >= before.2);
                before = now;
            }
            stop.store(true, Ordering::Relaxed);
        });
        remove_failpoint(name);
    });
}

/// A hit that is under way may be missing, and one thread has one under way at a time.
#[test]
fn totals_miss_no_hit_that_was_over_before_a_batch_took_effect() {
    let _table = shared();
    within_deadline("totals against a batch", || {
        let name = "inventory-batch";
        let batch: Vec<(String, &str)> = std::iter::once((name.to_owned(), "off"))
            .chain((0..3_000).map(|i| (format!("inventory-batch-{i}"), "off")))
            .collect();
        configure_failpoint(name, "off").unwrap();
        let stop = AtomicBool::new(false);
        let hits = thread::scope(|scope| {
            let hitter = scope.spawn(|| {
                let mut hits = 0;
                while !stop.load(Ordering::Relaxed) {
                    let _ = hit(name);
                    hits += 1;
                }
                hits
            });
            for _ in 0..10 {
                configure_failpoints(batch.clone()).unwrap();
            }
            stop.store(true, Ordering::Relaxed);
            hitter.join().unwrap()
        });
        let missing = hits - totals(name).0;
        for (name, _) in batch {
            remove_failpoint(name);
        }
        assert!(
            missing <= 10,
            "{missing} of {hits} are missing after ten batches"
        );
    });
}

/// Each number is read once, whatever hits there are meanwhile.
#[test]
fn no_more_have_fired_than_were_hit() {
    let _table = shared();
    let name = "inventory-consistent";
    let guard = arm(name, "1000*off->0*off->return").unwrap();
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let _ = hit(name);
                }
            });
        }
        let _stop = Stop(&is_over);
        for round in 0..2_000 {
            let point = listed(name);
            let totals = point.totals();
            assert!(point.fired() <= point.hits(), "{round}: {point}");
            assert!(totals.fired <= totals.hits, "{round}: {totals:?}");
            assert!(point.hits() <= totals.hits, "{round}: {point} {totals:?}");
            if round % 100 == 0 {
                guard.configure("off").unwrap();
            }
        }
    });
}

// Delay.

#[test]
fn a_delay_counts_waits_sleeps_and_busy_time_once_they_are_over() {
    let _table = shared();
    Crew::each("delays", |crew| async move {
        let name = crew.name("inventory-delay");
        let guard = arm(&name, "1*sleep(5)->1*delay(5)->1*pause->off").unwrap();
        assert_eq!(delay(&name), Duration::ZERO);
        assert_eq!(crew.hit(&name).result().await, Continue);
        let slept = delay(&name);
        assert!((5 * MILLIS..5_000 * MILLIS).contains(&slept), "{slept:?}");
        assert_eq!(crew.hit(&name).result().await, Continue);
        let burnt = delay(&name) - slept;
        assert!((5 * MILLIS..5_000 * MILLIS).contains(&burnt), "{burnt:?}");
        let paused = crew.hit(&name);
        crew.wait(guard.wait_until_paused(1)).await.unwrap();
        some_time();
        assert_eq!(delay(&name), slept + burnt, "not before it is over");
        assert_eq!(guard.release_all(), 1);
        assert_eq!(paused.result().await, Continue);
        let waited = delay(&name) - slept - burnt;
        assert!((3 * MILLIS..5_000 * MILLIS).contains(&waited), "{waited:?}");
        let all = delay(&name);
        assert_eq!(crew.hit(&name).result().await, Continue);
        guard.configure("off").unwrap();
        assert_eq!(delay(&name), all);
    });
}

#[test]
fn a_delay_counts_waits_that_were_cancelled_or_dropped() {
    let _table = shared();
    let name = "inventory-delay-cancelled";
    let guard = arm(name, "pause").unwrap();
    let token = CancellationToken::new();
    let mut cancelled = Box::pin(failpoint_with_cancellation(name, None, &token));
    assert!(poll_once(cancelled.as_mut()).is_pending());
    some_time();
    token.cancel();
    assert_eq!(now(cancelled), Cancelled);
    let first = delay(name);
    assert!(first >= 3 * MILLIS, "{first:?}");
    let dropped = standing(name);
    some_time();
    drop(dropped);
    assert!(delay(name) >= first + 3 * MILLIS);
    // Released, and dropped before it looked: counted once.
    let second = delay(name);
    let dropped = standing(name);
    some_time();
    assert_eq!(guard.release_one(), 1);
    let third = delay(name);
    assert!(third >= second + 3 * MILLIS);
    some_time();
    drop(dropped);
    assert_eq!(delay(name), third);
    // Let go with everybody else, and cancelled before it looked: counted once, too.
    let token = CancellationToken::new();
    let mut cancelled = Box::pin(failpoint_with_cancellation(name, None, &token));
    assert!(poll_once(cancelled.as_mut()).is_pending());
    some_time();
    guard.configure("pause").unwrap();
    let fourth = delay(name);
    assert!(fourth >= third + 3 * MILLIS);
    token.cancel();
    some_time();
    assert_eq!(now(cancelled), Cancelled);
    assert_eq!(delay(name), fourth);
}

/// That is how most of them end.
#[test]
fn a_delay_counts_waits_that_the_next_configuration_ended() {
    let _table = shared();
    Crew::each("delays that were ended", |crew| async move {
        type Change = fn(&Armed);
        let changes: [(&str, Change); 3] = [
            ("guard", |guard| guard.configure("off").unwrap()),
            ("plain", |guard| {
                configure_failpoint(guard.name(), "off").unwrap()
            }),
            ("younger", |guard| drop(arm(guard.name(), "off").unwrap())),
        ];
        for (what, change) in changes {
            let name = crew.name(&format!("inventory-delay-{what}"));
            let guard = arm(&name, "pause").unwrap();
            let paused = crew.hit(&name);
            crew.wait(guard.wait_until_paused(1)).await.unwrap();
            some_time();
            change(&guard);
            assert_eq!(paused.result().await, Continue);
            let waited = delay(&name);
            assert!(waited >= 3 * MILLIS, "{what}: {waited:?}");
        }
        // And one that a guard ended when it was dropped, over a base that stays.
        let name = crew.name("inventory-delay-dropped");
        configure_failpoint(&name, "off").unwrap();
        let guard = arm(&name, "pause").unwrap();
        let paused = crew.hit(&name);
        crew.wait(guard.wait_until_paused(1)).await.unwrap();
        some_time();
        drop(guard);
        assert_eq!(paused.result().await, Continue);
        let waited = delay(&name);
        remove_failpoint(&name);
        assert!(waited >= 3 * MILLIS, "a guard that was dropped: {waited:?}");
    });
}

#[test]
fn a_sleep_of_compat_counts_as_a_delay() {
    let _table = shared();
    let name = "inventory-delay-compat";
    compat::cfg(name, "sleep(4)").unwrap();
    assert_eq!(compat::eval(name, |_| ()), None);
    let slept = delay(name);
    assert!((4 * MILLIS..5_000 * MILLIS).contains(&slept), "{slept:?}");
    remove_failpoint(name);
}

#[test]
fn the_inventory_is_send_and_keeps_what_it_saw() {
    fn check<T: Send + Sync + Clone + std::fmt::Debug + 'static>(_: &T) {}
    let _table = shared();
    let name = "inventory-kept";
    let guard = arm(name, "pause").unwrap();
    let hit = standing(name);
    let seen = listed(name);
    check(&seen);
    check(&seen.totals());
    drop(guard);
    assert_eq!(now(hit), Continue);
    assert_eq!((seen.hits(), seen.waiters().len()), (1, 1));
    check(&seen.waiters()[0].clone());
}
