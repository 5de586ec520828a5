//! Proves that failpoints may be used while a thread ends, where it has left every scope.

use std::cell::Cell;
use std::sync::mpsc;
use std::thread;

use crate::common::table::alone;
use crate::common::{now, within_deadline};
use neon_failpoint::FailpointResult::{self, Continue, Return};
use neon_failpoint::{
    configure_failpoint, configure_failpoint_callback, fail_point, failpoint, failpoint_blocking,
    list_failpoints,
};

#[test]
fn a_destructor_of_a_thread_local_may_use_failpoints() {
    let _table = alone();
    struct Last(Cell<Option<mpsc::Sender<FailpointResult>>>);

    impl Drop for Last {
        fn drop(&mut self) {
            let name = "actions-thread-local";
            configure_failpoint_callback(name, || drop(list_failpoints())).unwrap();
            let callback = failpoint_blocking(name, None);
            assert_eq!((callback, now(failpoint(name, None))), (Continue, Continue));
            configure_failpoint(name, "return(last)").unwrap();
            // What its closure gets is put down in a thread-local.
            let in_place = async {
                fail_point!("actions-thread-local", Return);
                Continue
            };
            assert_eq!(now(in_place), Return("last".to_owned()));
            let _ = self.0.take().unwrap().send(failpoint_blocking(name, None));
        }
    }

    thread_local! {
        static LAST: Last = const { Last(Cell::new(None)) };
    }

    // The library may have thread-locals, too: dropped before or after this one.
    for library_first in [false, true] {
        let hit = || assert_eq!(failpoint_blocking("actions-idle", None), Continue);
        let (sender, result) = mpsc::channel();
        let thread = thread::spawn(move || {
            if library_first {
                hit();
            }
            LAST.with(|last| last.0.set(Some(sender)));
            hit();
        });
        within_deadline("a thread's end", || thread.join().unwrap());
        assert_eq!(result.recv(), Ok(Return("last".to_owned())));
    }
}
