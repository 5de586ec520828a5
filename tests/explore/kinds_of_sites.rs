//! Which sites take part.

use neon_failpoint::compat::{self, async_fail_point};
use neon_failpoint::explore::Explorer;
use neon_failpoint::{
    configure_failpoint, fail_point, fail_point_sync, fail_point_with_context, failpoint,
    failpoint_context, pausable_failpoint, sleep_millis_async,
};
use tokio_util::sync::CancellationToken;

#[test]
fn every_site_that_awaits_takes_part() {
    async fn all() {
        let name = String::from("kinds-run-time");
        let token = CancellationToken::new();
        let context = failpoint_context! { "a" => 1 };
        fail_point!("kinds-1");
        fail_point!("kinds-2", |_| ());
        fail_point!(&name);
        fail_point_with_context!("kinds-3", &context);
        fail_point_with_context!("kinds-4", &context, |_| ());
        let _ = failpoint!("kinds-5").await;
        let _ = failpoint!("kinds-6", &context).await;
        let _ = failpoint!("kinds-7", cancel = &token).await;
        let _ = failpoint!(&name, &context, cancel = &token).await;
        let _ = pausable_failpoint!("kinds-8").await;
        let _ = pausable_failpoint!("kinds-9", &token).await;
        sleep_millis_async!("kinds-10").await;
        async_fail_point!("kinds-11");
        async_fail_point!("kinds-12", |_| ());
        let _ = neon_failpoint::failpoint(&name, None).await;
        let _ = neon_failpoint::failpoint_with_cancellation(&name, Some(&context), &token).await;
        fail_point_sync!("kinds-not");
        compat::fail_point!("kinds-not");
    }
    let report = Explorer::new().run(|| async {
        all().await;
        Err::<(), _>("show")
    });
    let steps = report.failure().unwrap().steps();
    assert_eq!(steps.len(), 16, "{report}");
    assert_eq!(
        steps
            .iter()
            .filter(|step| step.failpoint() == "kinds-run-time")
            .count(),
        4
    );
    for step in steps {
        assert!(step.file().ends_with("kinds_of_sites.rs"), "{step}");
        assert!(step.line() > 15, "{step}");
        assert_eq!(step.task(), 0);
    }
}

#[test]
fn points_are_chosen_by_their_whole_names() {
    let runs = |regex: &str| {
        let report = Explorer::new()
            .points(regex)
            .preemptions(usize::MAX)
            .run(|| async {
                let work = || async {
                    fail_point!("kinds-wal");
                    fail_point!("kinds-wal-sync");
                };
                tokio::join!(work(), work());
            });
        assert!(report.is_complete());
        report.runs()
    };
    assert_eq!(runs("kinds-wal"), 2);
    assert_eq!(runs("kinds-.*"), 6);
    assert_eq!(runs("wal"), 1);
    assert_eq!(runs("kinds-wal|kinds-wal-sync"), 6);
}

#[test]
fn a_site_without_a_closure_refuses_a_return_in_an_exploration_too() {
    const NAME: &str = "kinds-refuses";
    const NATIVE: &str = "is configured to return, but the call site has no closure";
    const FAILS: &str = "Return is not supported for the fail point \"kinds-refuses\"";
    async fn site(kind: usize) {
        configure_failpoint(NAME, "return(1)").unwrap();
        match kind {
            0 => fail_point!("kinds-refuses"),
            1 => fail_point!(NAME),
            2 => fail_point_with_context!("kinds-refuses", &failpoint_context! { "a" => 1 }),
            3 => fail_point_sync!("kinds-refuses"),
            4 => async_fail_point!("kinds-refuses"),
            _ => compat::fail_point!("kinds-refuses"),
        }
    }
    for (kind, words) in [NATIVE, NATIVE, NATIVE, NATIVE, FAILS, FAILS]
        .into_iter()
        .enumerate()
    {
        let report = Explorer::new().run(|| site(kind));
        let failure = report.failure().expect("it panics");
        assert!(failure.to_string().contains(words), "{kind}: {failure}");
    }
}
