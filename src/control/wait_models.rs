//! Models of a wait by name against a writer.

use loom::thread;

use crate::control::wait_for::{Wait, Watched};
use crate::engine::models::harness::{Flag, configure, deadlocks, explore_most, find};
use crate::engine::observer::{Observer, tell_observers};
use crate::engine::scope::Home;
use crate::engine::table::Registry;
use crate::engine::waiters::Goal;

/// A wait for the first hit, while the point is reconfigured and then hit.
fn wait_during_configure(wait: fn()) {
    explore_most(move || {
        let registry = Registry::global();
        configure(registry, "p", "off");
        let waiting = thread::spawn(wait);
        configure(registry, "p", "off");
        let point = find(registry, "p").expect("configured");
        let _ = point.pick(None);
        if point.is_watched() {
            tell_observers(&point);
        }
        waiting.join().unwrap();
    });
}

#[test]
fn a_wait_finds_the_configuration_that_took_the_place_of_its_own() {
    wait_during_configure(|| {
        let (flag, waker) = Flag::new();
        let mut wait = Wait::new(Watched::name(&Home::GLOBAL, "p"), Goal::Hits(1), None);
        while wait.look(&waker).is_pending() {
            flag.wait();
        }
    });
}

#[test]
fn caught_not_looking_again_after_entering_the_list() {
    deadlocks(|| {
        wait_during_configure(|| {
            let (flag, waker) = Flag::new();
            loop {
                let point = find(Registry::global(), "p").expect("configured");
                let mut observer = Observer::new(point, Goal::Hits(1));
                if observer.poll(&waker).is_ready() {
                    return;
                }
                flag.wait();
                if observer.poll(&waker).is_ready() {
                    return;
                }
            }
        });
    });
}
