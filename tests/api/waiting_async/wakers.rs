//! Proves that wakers may do what they like, and see the new configuration when they are woken.

use std::mem::ManuallyDrop;
use std::panic::catch_unwind;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, RawWaker, RawWakerVTable, Wake, Waker};

use crate::common::end::End;
use crate::common::{
    Counter, assert_stats, info, now, poll_once, poll_with, spawn, until_waiting, waiters,
    within_deadline,
};
use neon_failpoint::FailpointResult::{self, Continue, Return};
use neon_failpoint::{
    configure_failpoint, fail_point, failpoint, failpoint_blocking, isolate, list_failpoints,
    remove_failpoint,
};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    Clone,
    Wake,
    Drop,
}

type Hook = Arc<dyn Fn(Event) + Send + Sync>;

/// A waker that calls `hook` for all that happens to it and to its clones.
fn hooked(hook: Hook) -> Waker {
    fn raw(hook: Hook) -> RawWaker {
        let hook: *mut Hook = Box::into_raw(Box::new(hook));
        RawWaker::new(hook.cast_const().cast(), &VTABLE)
    }
    static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

    /// The hook of a waker, which its owner may end.
    ///
    /// # Safety
    ///
    /// `hook` is that of a `raw` that was not ended.
    unsafe fn borrow(hook: *const ()) -> ManuallyDrop<Box<Hook>> {
        // SAFETY: `raw` made the pointer of a box, and nobody ended it.
        ManuallyDrop::new(unsafe { Box::from_raw(hook.cast_mut().cast()) })
    }
    // SAFETY, of all four: this vtable is paired with pointers of `raw` only, each
    // waker has a box of its own, and `wake` and `drop_waker` are its last calls.
    unsafe fn clone(hook: *const ()) -> RawWaker {
        // SAFETY: see above.
        let hook = unsafe { borrow(hook) };
        hook(Event::Clone);
        raw(Hook::clone(&hook))
    }
    unsafe fn wake(hook: *const ()) {
        // SAFETY: see above.
        let hook = ManuallyDrop::into_inner(unsafe { borrow(hook) });
        hook(Event::Wake);
    }
    unsafe fn wake_by_ref(hook: *const ()) {
        // SAFETY: see above.
        let hook = unsafe { borrow(hook) };
        hook(Event::Wake);
    }
    unsafe fn drop_waker(hook: *const ()) {
        // SAFETY: see above.
        let hook = ManuallyDrop::into_inner(unsafe { borrow(hook) });
        hook(Event::Drop);
    }

    // SAFETY: the functions of the vtable keep the contract of a waker: a hook is
    // Send and Sync, and each waker has a box of its own.
    unsafe { Waker::from_raw(raw(hook)) }
}

#[test]
fn of_a_waiter_polled_with_many_wakers_only_the_last_is_woken() {
    let _alone = isolate();
    let name = "last-waker";
    configure_failpoint(name, "pause").unwrap();
    let mut hit = Box::pin(failpoint(name, None));
    let wakers: Vec<_> = (0..4).map(|_| Counter::new()).collect();
    for (_, waker) in &wakers {
        assert!(poll_with(hit.as_mut(), waker).is_pending());
        assert!(poll_with(hit.as_mut(), waker).is_pending());
        assert_stats(name, (1, 1, 1));
    }
    remove_failpoint(name);
    let woken: Vec<_> = wakers.iter().map(|(counter, _)| counter.woken()).collect();
    assert_eq!(woken, [0, 0, 0, 1]);
    assert!(poll_with(hit.as_mut(), &wakers[0].1).is_ready());
    // Ours and that of the waker beside it: no clone is left behind.
    for (counter, _) in &wakers {
        assert_eq!(Arc::strong_count(counter), 2);
    }
}

/// I3: retirement is level-triggered. The waker's clone is made between the choice
/// of the point and the entry into its list, and there it reconfigures the point.
#[test]
fn a_hit_whose_point_goes_before_it_is_listed_does_not_wait() {
    let _alone = isolate();
    for end in [End::Configure, End::Remove] {
        let name = format!("gone-before-listed-{end:?}");
        configure_failpoint(&name, "pause").unwrap();
        let go = {
            let name = name.clone();
            move |event| {
                if event == Event::Clone {
                    end.apply(&name);
                }
            }
        };
        let waker = hooked(Arc::new(go));
        assert_eq!(
            poll_with(pin!(failpoint(&name, None)), &waker),
            Poll::Ready(Continue)
        );
        assert_eq!(waiters(&name), 0);
    }
}

/// I5: no lock of ours is held while a waker is cloned, woken or dropped.
#[test]
fn a_waker_may_hit_configure_remove_and_list_whatever_happens_to_it() {
    let _alone = isolate();
    type Act = fn(&str);
    let acts: [(&str, Act); 8] = [
        ("hit", |name| drop(poll_once(pin!(failpoint(name, None))))),
        ("hit-other", |name| {
            let result = failpoint_blocking(&format!("{name}-other"), None);
            assert_eq!(result, Return("other".to_owned()));
        }),
        ("configure", |name| {
            configure_failpoint(name, "pause").unwrap()
        }),
        ("configure-other", |name| {
            configure_failpoint(format!("{name}-other"), "return(other)").unwrap();
        }),
        ("batch", |name| {
            let batch = [(name, "pause"), (&format!("{name}-other"), "return(other)")];
            neon_failpoint::configure_failpoints(batch).unwrap();
        }),
        ("remove", |name| remove_failpoint(name)),
        ("remove-other", |name| {
            remove_failpoint(format!("{name}-other"));
        }),
        ("list", |_| drop(list_failpoints())),
    ];
    for event in [Event::Clone, Event::Wake, Event::Drop] {
        for (what, act) in acts {
            let name = format!("hooked-{event:?}-{what}");
            let message = format!("a waker's {event:?} does: {what}");
            within_deadline(&message, move || {
                hooked_waker_lives_through(&name, event, act)
            });
        }
    }
}

fn hooked_waker_lives_through(name: &str, event: Event, act: fn(&str)) {
    let happened = Arc::new(AtomicUsize::new(0));
    let hook: Hook = {
        let (name, happened) = (name.to_owned(), happened.clone());
        Arc::new(move |e| {
            if e == event {
                happened.fetch_add(1, Ordering::SeqCst);
                act(&name);
            }
        })
    };
    configure_failpoint(format!("{name}-other"), "return(other)").unwrap();
    configure_failpoint(name, "pause").unwrap();
    let (a, b) = (hooked(hook.clone()), hooked(hook));
    let mut stays = Box::pin(failpoint(name, None));
    let mut leaves = Box::pin(failpoint(name, None));
    // Enters the list, is polled with another waker, leaves it, is let go.
    let mut over = [false; 2];
    for waker in [&a, &b, &a] {
        over[0] |= poll_with(stays.as_mut(), waker).is_ready();
        over[1] |= poll_with(leaves.as_mut(), waker).is_ready();
    }
    drop(leaves);
    configure_failpoint(name, "off").unwrap();
    assert!(over[0] || poll_with(stays.as_mut(), &b).is_ready());
    drop((a, b, stays));
    assert!(happened.load(Ordering::SeqCst) > 0, "never: {event:?}");
    assert_eq!(waiters(name), 0);
    // Everything works as before.
    configure_failpoint(name, "return(after)").unwrap();
    assert_eq!(now(failpoint(name, None)), Return("after".to_owned()));
}

/// I2: points are retired after everything that takes their place was published. I3:
/// so whoever is woken sees it, at a site, by name, and at the other points of a batch.
#[test]
fn a_hit_made_by_the_waker_itself_sees_the_new_configuration() {
    let _alone = isolate();
    async fn site() -> FailpointResult {
        fail_point!("hit-by-waker", Return);
        Continue
    }
    let name = "hit-by-waker";
    for end in [End::Configure, End::Batch, End::InsideCallback, End::Remove] {
        within_deadline("a hit made by a waker", move || {
            configure_failpoint(name, "pause").unwrap();
            let seen = Arc::new(Mutex::new(Vec::new()));
            let hook = {
                let seen = seen.clone();
                move |event| {
                    if event == Event::Wake {
                        let hits = [
                            now(site()),
                            failpoint_blocking(name, None),
                            now(failpoint!("hit-by-waker")),
                        ];
                        seen.lock().unwrap().extend(hits);
                    }
                }
            };
            let waker = hooked(Arc::new(hook));
            let mut hit = pin!(failpoint(name, None));
            assert!(poll_with(hit.as_mut(), &waker).is_pending());
            end.apply(name);
            let new = match end {
                End::Remove => Continue,
                _ => Return("new".to_owned()),
            };
            assert_eq!(*seen.lock().unwrap(), vec![new; 3], "{end:?}");
            assert_eq!(poll_once(hit), Poll::Ready(Continue));
        });
    }
}

#[test]
fn a_waker_that_panics_keeps_nobody_else_asleep() {
    let _alone = isolate();
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("this waker panics");
        }
    }
    for end in [End::Configure, End::Batch, End::ToCallback, End::Remove] {
        within_deadline("the others are let go", move || {
            let name = format!("waker-panics-{end:?}");
            configure_failpoint(&name, "pause").unwrap();
            let thread = spawn({
                let name = name.clone();
                move || failpoint_blocking(&name, None)
            });
            until_waiting(&name, 1);
            let counters: Vec<_> = (0..3).map(|_| Counter::new()).collect();
            let mut hits: Vec<_> = (0..5).map(|_| Box::pin(failpoint(&name, None))).collect();
            for (i, hit) in hits.iter_mut().enumerate() {
                // Every second one panics.
                let waker = match i % 2 {
                    0 => counters[i / 2].1.clone(),
                    _ => Waker::from(Arc::new(Panics)),
                };
                assert!(poll_with(hit.as_mut(), &waker).is_pending());
            }
            let panic = catch_unwind(|| end.apply(&name)).map(drop).unwrap_err();
            assert_eq!(panic.downcast_ref(), Some(&"this waker panics"), "{name}");
            let woken: Vec<_> = counters.iter().map(|(c, _)| c.woken()).collect();
            assert_eq!(woken, [1, 1, 1], "{name}");
            assert_eq!(thread.join().unwrap(), Continue);
            for hit in &mut hits {
                assert_eq!(poll_once(hit.as_mut()), Poll::Ready(Continue));
            }
            // I7, I8: the new configuration is there, and nothing is poisoned.
            assert_eq!(info(&name).is_none(), end == End::Remove);
            configure_failpoint(&name, "return(after)").unwrap();
            assert_eq!(now(failpoint(&name, None)), Return("after".to_owned()));
        });
    }
}
