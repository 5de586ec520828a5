//! Proves that a guard may be dropped anywhere: by another thread, in its own callback, during a panic.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Context;

use crate::common::{Calling, actions, hit, info, now, panic_of, spawn, value, within_deadline};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    Armed, arm, arm_callback, configure_failpoint, configure_failpoint_callback, failpoint,
    isolate, remove_failpoint,
};

#[test]
fn a_guard_may_be_dropped_by_another_thread_and_inside_its_own_callback() {
    let _alone = isolate();
    fn check<T: Send + Sync + std::fmt::Debug + 'static>() {}
    check::<Armed>();
    let name = "arm-elsewhere";
    configure_failpoint(name, "return(base)").unwrap();
    let guard = arm(name, "return(guard)").unwrap();
    spawn(move || drop(guard)).join().unwrap();
    assert_eq!(hit(name), value("base"));

    let slot = Arc::new(Mutex::new(None::<Armed>));
    let takes = slot.clone();
    let guard = arm_callback(name, move || drop(takes.lock().unwrap().take()));
    *slot.lock().unwrap() = Some(guard.unwrap());
    within_deadline("the callback drops its own guard", move || {
        assert_eq!(hit(name), Continue);
        assert_eq!(hit(name), value("base"));
    });
    assert_eq!(Arc::strong_count(&slot), 1, "the callback is dropped");
    // And a callback that is beneath what it puts there itself.
    let puts = slot.clone();
    configure_failpoint_callback(name, move || {
        let guard = arm("arm-elsewhere", "return(inner)").unwrap();
        *puts.lock().unwrap() = Some(guard);
    })
    .unwrap();
    assert_eq!((hit(name), hit(name)), (Continue, value("inner")));
    *slot.lock().unwrap() = None;
    assert_eq!((hit(name), hit(name)), (Continue, value("inner")));
    *slot.lock().unwrap() = None;
    remove_failpoint(name);
    assert_eq!(Arc::strong_count(&slot), 1);
}

#[test]
fn a_guard_dropped_while_the_thread_panics_gives_back_all_and_adds_no_panic() {
    let _alone = isolate();
    let name = "arm-panicking";
    configure_failpoint(name, "1*return(base)").unwrap();
    let wakes = Calling::waker(|| panic!("the waker panics"));
    let mut waiting = Box::pin(failpoint(name, None));
    struct PanicsToo;
    impl Drop for PanicsToo {
        fn drop(&mut self) {
            panic!("the destructor panics");
        }
    }
    let text = panic_of(|| {
        let guard = arm(name, "pause").unwrap().must_fire();
        let poll = waiting.as_mut().poll(&mut Context::from_waker(&wakes));
        assert!(poll.is_pending());
        let captured = PanicsToo;
        let callback = move || {
            let _captured = &captured;
        };
        let never_hit = arm_callback("arm-panicking-callback", callback).unwrap();
        let _guards = (guard, never_hit.must_fire());
        panic!("the test fails");
    });
    assert_eq!(text, "the test fails");
    assert_eq!(now(waiting), Continue);
    assert_eq!((hit(name), hit(name)), (value("base"), Continue));
    assert!(info("arm-panicking-callback").is_none());
    remove_failpoint(name);
}

/// The configuration took effect, but there is nobody left to end it.
#[test]
fn a_guard_whose_making_panics_leaves_nothing_behind() {
    let _alone = isolate();
    let name = "arm-making-panics";
    configure_failpoint(name, "pause").unwrap();
    let wakes = Calling::waker(|| panic!("the waker panics"));
    let mut waiting = pin!(failpoint(name, None));
    let poll = waiting.as_mut().poll(&mut Context::from_waker(&wakes));
    assert!(poll.is_pending());
    let text = panic_of(|| arm(name, "return(guard)").map(drop));
    assert_eq!(text, "the waker panics");
    assert_eq!(now(waiting), Continue);
    let left = actions(name);
    remove_failpoint(name);
    assert_eq!(left.as_deref(), Some("pause"), "the base is back");
}
