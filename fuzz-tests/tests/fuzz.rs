//! Each target for a while: its corpus first, then texts by chance. README.md says how to make it longer,
//! and how to have the coverage guide the texts.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fuzz_tests::{Target, Texts, Verdict, Watch};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

/// How long each target runs.
fn duration() -> Duration {
    let seconds = std::env::var("FUZZ_SECONDS").ok();
    let seconds = seconds.map(|text| text.parse().expect("FUZZ_SECONDS is a number"));
    Duration::from_secs_f64(seconds.unwrap_or(1.0))
}

/// What the first texts by chance are drawn with; the next ones are with the number after it.
fn seed() -> u64 {
    let seed = std::env::var("FUZZ_SEED").ok();
    let seed = seed.map(|text| text.parse().expect("FUZZ_SEED is a number"));
    seed.unwrap_or(0)
}

fn fuzz(name: &str) {
    let target = Target::named(name);
    let texts = Texts::of(target);
    let watch = Watch::over(target.name);
    for seed in texts.seeds() {
        watch.run(seed, target.check);
    }
    let (accepted, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let recipes = vec(any::<u32>(), 0..128).prop_map(|words| {
        let recipe: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
        Made(texts.make(&recipe))
    });
    let (start, first) = (Instant::now(), seed());
    for seed in first.. {
        if start.elapsed() >= duration() {
            break;
        }
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let config = Config {
            cases: 16,
            failure_persistence: None,
            max_shrink_iters: 20_000,
            max_shrink_time: 60_000,
            ..Config::default()
        };
        let result = TestRunner::new_with_rng(config, random).run(&recipes, |Made(text)| {
            let check = AssertUnwindSafe(|| watch.run(&text, target.check));
            match catch_unwind(check) {
                Ok(Verdict::Accepted) => accepted.fetch_add(1, Ordering::Relaxed),
                Ok(Verdict::Refused) => refused.fetch_add(1, Ordering::Relaxed),
                Err(panic) => return Err(TestCaseError::fail(words(&*panic))),
            };
            Ok(())
        });
        match result {
            Ok(()) => {}
            Err(TestError::Fail(reason, Made(text))) => {
                let text = String::from_utf8_lossy(&text);
                panic!("{reason}\nwith {text:?}\nby FUZZ_SEED={seed}")
            }
            Err(other) => panic!("{other}"),
        }
    }
    let (accepted, refused) = (accepted.into_inner(), refused.into_inner());
    let seconds = start.elapsed().as_secs_f64();
    let each = (accepted + refused) as f64 / seconds;
    println!("{name}: {accepted} texts accepted, {refused} refused, {each:.0} a second");
    // What gets no text through, or every one, looks at half of the code.
    let least = (accepted + refused) / 10;
    assert!(
        accepted >= least && refused >= least,
        "{accepted} accepted, {refused} refused"
    );
}

/// A text, shown as one.
struct Made(Vec<u8>);

impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        String::from_utf8_lossy(&self.0).fmt(f)
    }
}

/// What a panic said.
fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic").to_owned()
}

#[test]
fn native() {
    fuzz("native");
}

#[test]
fn compat() {
    fuzz("compat");
}

#[test]
fn environment() {
    fuzz("environment");
}

#[test]
fn http() {
    fuzz("http");
}

#[test]
fn script() {
    fuzz("script");
}

#[test]
fn codemod() {
    fuzz("codemod");
}

#[test]
fn context() {
    fuzz("context");
}
