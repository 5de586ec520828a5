//! Proves in which order a macro evaluates its arguments, and that an idle one leaves them alone.

use super::prelude::*;
use std::cell::RefCell;

/// What was evaluated, in order.
#[derive(Default)]
struct Log(RefCell<Vec<&'static str>>);

impl Log {
    fn of<T>(&self, what: &'static str, value: T) -> T {
        self.0.borrow_mut().push(what);
        value
    }

    fn take(&self) -> Vec<&'static str> {
        self.0.take()
    }
}

/// Every macro with all its arguments logged, as `(hit, what it evaluates)`:
/// where the point is idle, where it is armed, and where it returns.
#[test]
fn goes_from_the_condition_by_the_name_and_the_context_to_the_closure() {
    let _alone = isolate();
    let log = Log::default();
    let context = failpoint_context! { "k" => "v" };
    let token = CancellationToken::new();
    let condition = |holds| log.of("condition", holds);
    let name = || log.of("name", "macros-order");
    let context = || log.of("context", &context);
    let token = || log.of("token", &token);

    let sync = |holds| {
        fail_point_sync!(name(), condition(holds), log.of("closure", |_| ()));
    };
    let task = async |holds| {
        fail_point!(name(), condition(holds), log.of("closure", |_| ()));
    };
    let sync_context = |holds| {
        fail_point_with_context_sync!(
            name(),
            context(),
            condition(holds),
            log.of("closure", |_| ())
        );
    };
    let task_context = async |holds| {
        fail_point_with_context!(
            name(),
            context(),
            condition(holds),
            log.of("closure", |_| ())
        );
    };
    let future = || failpoint!(name(), context(), cancel = token());

    // Idle.
    for holds in [false, true] {
        sync(holds);
        now(task(holds));
        sync_context(holds);
        now(task_context(holds));
        let expected: &[&str] = if holds {
            &["condition", "name"]
        } else {
            &["condition"]
        };
        assert_eq!(log.take(), expected.repeat(4));
    }
    drop(future());
    assert_eq!(log.take(), [""; 0]);
    let _ = now(future());
    assert_eq!(log.take(), ["name"]);

    // Armed.
    counts("macros-order");
    sync(true);
    now(task(true));
    assert_eq!(log.take(), ["condition", "name"].repeat(2));
    sync_context(true);
    now(task_context(true));
    assert_eq!(log.take(), ["condition", "name", "context"].repeat(2));
    let _ = now(future());
    assert_eq!(log.take(), ["name", "context", "token"]);
    assert_stats("macros-order", (5, 5, 0));

    // A condition that does not hold is no hit.
    sync(false);
    now(task(false));
    sync_context(false);
    now(task_context(false));
    assert_eq!(log.take(), ["condition"; 4]);
    assert_stats("macros-order", (5, 5, 0));

    // The closure is evaluated where it is called.
    returns("macros-order", "x");
    sync(true);
    now(task(true));
    assert_eq!(log.take(), ["condition", "name", "closure"].repeat(2));
    sync_context(true);
    now(task_context(true));
    assert_eq!(
        log.take(),
        ["condition", "name", "context", "closure"].repeat(2)
    );
}

#[test]
fn of_a_context_needs_that_very_point_armed() {
    let _alone = isolate();
    let evaluated = Log::default();
    let context = || evaluated.of("context", failpoint_context! { "k" => "v" });
    let all = async || {
        let name = "macros-context-lazy";
        fail_point_with_context!("macros-context-lazy", &context());
        fail_point_with_context!(name, &context());
        fail_point_with_context_sync!("macros-context-lazy", &context());
        fail_point_with_context_sync!(name, &context());
        let _ = failpoint!("macros-context-lazy", &context()).await;
        let _ = failpoint!(name, &context()).await;
    };
    counts("macros-context-lazy-not");
    now(all());
    assert_eq!(evaluated.take(), [""; 0]);
    counts("macros-context-lazy");
    now(all());
    assert_eq!(evaluated.take(), ["context"; 6]);
    remove_failpoint("macros-context-lazy");
    now(all());
    assert_eq!(evaluated.take(), [""; 0]);
}
