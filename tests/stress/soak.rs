//! A process that is reconfigured a thousand times a second, beside threads that hit: its memory stays
//! as it is.
//!
//! `NEON_FAILPOINT_SECONDS` is how long (1 if it is not set). With `--nocapture` the test says what it
//! measured.

use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::race::{alone, seed};
use crate::common::{Runtime, poll_once, until};
use crate::memory::{Counted, resident};
use neon_failpoint::FailpointResult::{self, Continue};
use neon_failpoint::{
    Armed, InScope, Scope, arm, configure_failpoint, configure_failpoint_callback,
    configure_failpoint_with_context, configure_failpoints, fail_point, fail_point_sync,
    fail_point_with_context_sync, failpoint, failpoint_blocking, failpoint_context,
    release_failpoint, remove_all_failpoints, remove_failpoint, set_seed,
};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

const SCOPES: usize = 100;
const EACH_SECOND: u32 = 1_000;
const NAMES: [&str; 3] = ["soak-a", "soak-b", "soak-c"];

/// None of them waits for long.
const ACTIONS: [&str; 8] = [
    "off",
    "return(x)",
    "50%return(y)",
    "2*return(z)->off",
    "yield",
    "sleep(1)",
    "3*off->1%return->yield",
    "delay(0)",
];

fn seconds() -> u64 {
    match std::env::var("NEON_FAILPOINT_SECONDS") {
        Ok(seconds) => seconds.parse().expect("NEON_FAILPOINT_SECONDS is a number"),
        Err(_) => 1,
    }
}

/// A place where points are configured: a scope, or, the last one, outside of all.
#[derive(Default)]
struct Place {
    scope: Mutex<Option<Scope>>,
}

impl Place {
    fn scope(&self) -> Option<Scope> {
        self.scope.lock().unwrap().clone()
    }

    fn run<R>(&self, f: impl FnOnce() -> R) -> R {
        match self.scope() {
            Some(scope) => scope.run(f),
            None => f(),
        }
    }
}

/// What the reconfiguring thread keeps of a place.
#[derive(Default)]
struct Kept {
    guard: Option<Armed>,
}

/// One reconfiguration.
fn reconfigure(place: &Place, kept: &mut Kept, random: &mut SmallRng) {
    let name = NAMES[random.random_range(0..3)];
    let actions = ACTIONS[random.random_range(0..ACTIONS.len())];
    match random.random_range(0..10) {
        0 => place.run(|| remove_failpoint(name)),
        1 => {
            // Its guard ends with it.
            place.run(remove_all_failpoints);
            kept.guard = None;
        }
        2 => place.run(|| configure_failpoints(NAMES.map(|name| (name, actions))).unwrap()),
        3 => kept.guard = Some(place.run(|| arm(name, actions).unwrap())),
        4 => place.run(|| match &kept.guard {
            Some(guard) => guard.configure(actions).unwrap(),
            None => configure_failpoint(name, actions).unwrap(),
        }),
        5 => {
            let pattern = format!("t-[0-{}]", random.random_range(1..9));
            let matchers = [("tenant", pattern)];
            place.run(|| configure_failpoint_with_context(name, actions, matchers).unwrap());
        }
        6 => {
            let text = name.to_owned();
            let callback = move || assert!(!text.is_empty());
            place.run(|| configure_failpoint_callback(name, callback).unwrap());
        }
        7 if place.scope().is_some() => {
            // The old one ends when the last hit in it is over.
            place.run(remove_all_failpoints);
            kept.guard = None;
            *place.scope.lock().unwrap() = Some(Scope::new());
        }
        _ => place.run(|| configure_failpoint(name, actions).unwrap()),
    }
}

/// Has hits wait at one point of a place.
fn pause(place: &Place, random: &mut SmallRng) -> &'static str {
    let name = NAMES[random.random_range(0..3)];
    place.run(|| configure_failpoint(name, "pause").unwrap());
    name
}

/// Ends that, in one way or another.
fn go_on(place: &Place, name: &'static str, random: &mut SmallRng) {
    place.run(|| {
        if random.random_range(0..2) == 0 {
            let _ = release_failpoint(name, usize::MAX).unwrap();
        }
        match random.random_range(0..3) {
            0 => remove_failpoint(name),
            1 => remove_all_failpoints(),
            _ => configure_failpoint(name, "off").unwrap(),
        }
    });
}

fn hit_blocking(which: usize) -> FailpointResult {
    match which {
        0 => return failpoint_blocking("soak-b", None),
        1 => fail_point_sync!("soak-b", FailpointResult::Return),
        2 => fail_point_sync!("soak-a", FailpointResult::Return),
        _ => {
            let context = failpoint_context! { "tenant" => "t-5" };
            fail_point_with_context_sync!("soak-c", &context, FailpointResult::Return);
        }
    }
    Continue
}

async fn hit(which: usize) -> FailpointResult {
    match which {
        0 => return failpoint("soak-b", None).await,
        1 => fail_point!("soak-b", FailpointResult::Return),
        2 => fail_point!("soak-a", FailpointResult::Return),
        _ => return failpoint!("soak-c", &failpoint_context! { "tenant" => "t-5" }).await,
    }
    Continue
}

struct Hitter<'a> {
    places: &'a [Place],
    stop: &'a AtomicBool,
    hits: &'a AtomicUsize,
    random: SmallRng,
}

impl Hitter<'_> {
    /// The next hit: in which scope, and where.
    fn next(&mut self) -> Option<(Option<Scope>, usize)> {
        self.hits.fetch_add(1, Ordering::Relaxed);
        let place = &self.places[self.random.random_range(0..self.places.len())];
        let is_over = self.stop.load(Ordering::Relaxed);
        (!is_over).then(|| (place.scope(), self.random.random_range(0..4)))
    }

    fn block(mut self) {
        while let Some((scope, which)) = self.next() {
            let _ = match scope {
                Some(scope) => scope.run(|| hit_blocking(which)),
                None => hit_blocking(which),
            };
        }
    }

    async fn wait(mut self) {
        while let Some((scope, which)) = self.next() {
            let mut hit: Pin<Box<dyn Future<Output = FailpointResult>>> = match scope {
                Some(scope) => Box::pin(hit(which).in_scope(&scope)),
                None => Box::pin(hit(which)),
            };
            // Some are dropped where they stand.
            if self.random.random_range(0..8) == 0 {
                let _ = poll_once(hit.as_mut());
            } else {
                let _ = hit.await;
            }
            tokio::task::yield_now().await;
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    live: isize,
    resident: usize,
}

#[test]
fn memory_stays_as_it_is_while_a_thousand_reconfigurations_a_second_meet_hits() {
    let _alone = alone("soak");
    set_seed(seed());
    let counted = Counted::begin();
    let time = Duration::from_secs(seconds());
    let places: Vec<Place> = (0..=SCOPES).map(|_| Place::default()).collect();
    for place in &places[..SCOPES] {
        *place.scope.lock().unwrap() = Some(Scope::new());
    }
    // As much is configured from the start as later on.
    let mut random = SmallRng::seed_from_u64(seed());
    let mut kept: Vec<Kept> = places.iter().map(|_| Kept::default()).collect();
    for _ in 0..20 {
        for (place, kept) in places.iter().zip(&mut kept) {
            reconfigure(place, kept, &mut random);
        }
    }
    let (stop, hits) = (AtomicBool::new(false), AtomicUsize::new(0));
    let hitter = |number: u64| Hitter {
        places: &places,
        stop: &stop,
        hits: &hits,
        random: SmallRng::seed_from_u64(seed().wrapping_add(number)),
    };
    const SAMPLES: usize = 100;
    let mut samples = Vec::with_capacity(SAMPLES + 1);
    let (changes, took) = thread::scope(|threads| {
        for number in 1..=2 {
            threads.spawn(move || hitter(number).block());
        }
        for number in 3..=4 {
            threads.spawn(move || {
                let runtime = Runtime::CurrentThread.build();
                runtime.block_on(hitter(number).wait());
            });
        }
        let start = Instant::now();
        let mut paused = None;
        let mut changes = 0_u32;
        while samples.len() < SAMPLES {
            match paused.take() {
                Some((at, name)) => go_on(&places[at], name, &mut random),
                None => {
                    let at = random.random_range(0..places.len());
                    if random.random_range(0..8) == 0 {
                        paused = Some((at, pause(&places[at], &mut random)));
                    } else {
                        reconfigure(&places[at], &mut kept[at], &mut random);
                    }
                }
            }
            changes += 1;
            let due = Duration::from_secs(1) / EACH_SECOND * changes;
            thread::sleep(due.saturating_sub(start.elapsed()));
            if start.elapsed() >= time / SAMPLES as u32 * (samples.len() as u32 + 1) {
                samples.push(Sample {
                    live: counted.live(),
                    resident: resident(),
                });
            }
        }
        let took = start.elapsed();
        stop.store(true, Ordering::Relaxed);
        // Whoever still stands somewhere goes on.
        places
            .iter()
            .for_each(|place| place.run(remove_all_failpoints));
        (changes, took)
    });
    drop((places, kept));
    let seconds = took.as_secs_f64();
    println!(
        "soak: {changes} reconfigurations and {} hits in {seconds:.1} s, {:.0} and {:.0} a second; \
         {} bytes at the end",
        hits.load(Ordering::Relaxed),
        f64::from(changes) / seconds,
        hits.load(Ordering::Relaxed) as f64 / seconds,
        counted.live()
    );
    println!(
        "soak: allocated bytes, resident KiB, {} times: {:?}",
        samples.len(),
        {
            let all = samples.iter().map(|sample| (sample.live, sample.resident));
            all.collect::<Vec<_>>()
        }
    );
    // What threads still look at, or have not come to drop, goes up and down: it is the least that may
    // not grow.
    let live = |samples: &[Sample]| -> Vec<isize> { samples.iter().map(|s| s.live).collect() };
    let before = live(&samples[..SAMPLES / 4]).into_iter().max().unwrap();
    let after = live(&samples[SAMPLES * 3 / 4..]).into_iter().min().unwrap();
    assert!(
        after < before * 3 / 2 + 100_000,
        "at most {before} bytes in the first quarter, at least {after} in the last one"
    );
    // What the library keeps for good, however long it was.
    until("the memory is given back", || counted.live() < 50_000);
}
