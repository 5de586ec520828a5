//! `async_singleflight` and the `singleflight` of `asyncband`, which both make sure that "only one operation is
//! in-flight" for a key.

use std::sync::Arc;

use neon_failpoint::explore::{Explorer, cancellable};
use neon_failpoint::fail_point;

use crate::explored::{complete, fails};
use crate::limit::Limit;

/// The operation that must not run twice at once.
async fn operation(in_flight: Arc<Limit>) -> u32 {
    let _inside = in_flight.enter();
    fail_point!("operation");
    7
}

/// Something that lets one operation run at a time.
trait Group: Default + Send + Sync + 'static {
    fn call(&self, in_flight: Arc<Limit>) -> impl Future<Output = u32> + Send;
}

impl Group for singleflight_before::UnaryGroup<u32> {
    async fn call(&self, in_flight: Arc<Limit>) -> u32 {
        self.work("key", operation(in_flight)).await.0
    }
}

impl Group for singleflight::DefaultUnaryGroup<u32> {
    async fn call(&self, in_flight: Arc<Limit>) -> u32 {
        self.work("key", operation(in_flight)).await
    }
}

impl Group for asyncband::singleflight::Group<&'static str, u32> {
    async fn call(&self, in_flight: Arc<Limit>) -> u32 {
        self.work("key", || operation(in_flight)).await
    }
}

/// Three callers, each of which may go away at any point.
async fn three_callers<G: Group>() {
    let group = Arc::new(G::default());
    let in_flight = Limit::new("operations are in flight", 1);
    let callers = [1, 2, 3].map(|_| {
        let (group, in_flight) = (group.clone(), in_flight.clone());
        tokio::spawn(cancellable(async move {
            fail_point!("call");
            assert_eq!(group.call(in_flight).await, 7);
        }))
    });
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(in_flight.now(), 0);
}

/// Known: <https://github.com/PureWhiteWu/async_singleflight/issues/12>, mended in 0.6.2.
#[test]
fn two_followers_lead_once_their_leader_is_dropped_in_0_5_3() {
    let explorer = Explorer::new().preemptions(usize::MAX);
    complete(
        explorer,
        24,
        three_callers::<singleflight_before::UnaryGroup<u32>>,
    );
    fails(
        Explorer::new().cancellations(1),
        "2 operations are in flight",
        three_callers::<singleflight_before::UnaryGroup<u32>>,
    );
}

#[test]
fn one_operation_is_in_flight_in_0_6_2() {
    let explorer = Explorer::new().preemptions(usize::MAX).cancellations(2);
    complete(
        explorer,
        312,
        three_callers::<singleflight::DefaultUnaryGroup<u32>>,
    );
}

#[test]
fn one_operation_is_in_flight_in_asyncband_0_6_7() {
    let explorer = Explorer::new().preemptions(usize::MAX).cancellations(2);
    complete(
        explorer,
        312,
        three_callers::<asyncband::singleflight::Group<&'static str, u32>>,
    );
}

/// The group of operations that can fail: one more caller comes when all is over, and has its own result.
async fn three_callers_of_what_can_fail() {
    let group = Arc::new(singleflight::Group::<&'static str, u32, u32>::new());
    let in_flight = Limit::new("operations are in flight", 1);
    let operation = |in_flight: Arc<Limit>, number: u32| async move {
        let _inside = in_flight.enter();
        fail_point!("operation", |_| Err(number));
        Ok(number)
    };
    let callers = [1, 2, 3].map(|number| {
        let (group, in_flight) = (group.clone(), in_flight.clone());
        tokio::spawn(cancellable(async move {
            fail_point!("call");
            let got = group.work(&"key", operation(in_flight, number)).await;
            // An error is told to whose operation it was; the others hear that there was one.
            if let Err(Some(failed)) = got {
                assert_eq!(failed, number);
            }
        }))
    });
    for caller in callers {
        caller.await.unwrap();
    }
    let later = operation(in_flight.clone(), 4);
    let later = group.work(&"key", later).await;
    assert!(matches!(later, Ok(4) | Err(Some(4))), "{later:?}");
    assert_eq!(in_flight.now(), 0);
}

#[test]
fn who_comes_later_has_a_result_of_its_own_in_0_6_2() {
    let explorer = Explorer::new().cancellations(2).faults(1, "return");
    complete(explorer, 1020, three_callers_of_what_can_fail);
}
