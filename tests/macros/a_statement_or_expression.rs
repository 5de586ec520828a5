//! Proves that a macro can stand wherever a statement or an expression can, with trailing commas and
//! with every bracket.

use super::prelude::*;

/// Proves that the macro call can stand at every place of an expression of type
/// `()`: `$count` places in one `async` block.
macro_rules! everywhere {
    ($($test:ident: $name:literal, $call:expr;)*) => {
        $(#[test]
        #[allow(
            clippy::let_unit_value,
            clippy::redundant_closure_call,
            clippy::unit_arg,
            clippy::unit_cmp
        )]
        fn $test() {
            let _alone = isolate();
            counts($name);
            now(async {
                $call;
                let () = $call;
                match 1 {
                    1 => $call,
                    _ => unreachable!(),
                }
                if true { $call } else { $call }
                { $call }
                let block: () = { $call };
                let ((), 1) = ($call, 1) else { unreachable!() };
                std::convert::identity($call);
                for () in [$call] {}
                loop {
                    break $call;
                }
                'label: {
                    if block == () {
                        break 'label $call;
                    }
                }
                async { $call }.await;
                (async || $call)().await;
                // The last expression of a block.
                $call
            });
            assert_stats($name, (14, 14, 0));
        })*
    };
}

everywhere! {
    fail_point_can_stand_everywhere: "macros-place-1", fail_point!("macros-place-1");
    fail_point_with_a_closure_can_stand_everywhere:
        "macros-place-2", fail_point!("macros-place-2", |_| ());
    fail_point_with_a_condition_can_stand_everywhere:
        "macros-place-3", fail_point!("macros-place-3", true, |_| ());
    fail_point_sync_can_stand_everywhere:
        "macros-place-4", fail_point_sync!("macros-place-4");
    fail_point_sync_with_a_closure_can_stand_everywhere:
        "macros-place-5", fail_point_sync!("macros-place-5", |_| ());
    fail_point_sync_with_a_condition_can_stand_everywhere:
        "macros-place-6", fail_point_sync!("macros-place-6", true, |_| ());
    fail_point_with_context_can_stand_everywhere: "macros-place-7",
        fail_point_with_context!("macros-place-7", &failpoint_context! {});
    fail_point_with_context_and_a_closure_can_stand_everywhere: "macros-place-8",
        fail_point_with_context!("macros-place-8", &failpoint_context! {}, |_| ());
    fail_point_with_context_and_a_condition_can_stand_everywhere: "macros-place-9",
        fail_point_with_context!("macros-place-9", &failpoint_context! {}, true, |_| ());
    fail_point_with_context_sync_can_stand_everywhere: "macros-place-10",
        fail_point_with_context_sync!("macros-place-10", &failpoint_context! {});
    fail_point_with_context_sync_and_a_closure_can_stand_everywhere: "macros-place-11",
        fail_point_with_context_sync!("macros-place-11", &failpoint_context! {}, |_| ());
    fail_point_with_context_sync_and_a_condition_can_stand_everywhere: "macros-place-12",
        fail_point_with_context_sync!("macros-place-12", &failpoint_context! {}, true, |_| ());
    sleep_millis_async_can_stand_everywhere:
        "macros-place-13", sleep_millis_async!("macros-place-13").await;
    pausable_failpoint_can_stand_everywhere:
        "macros-place-14", pausable_failpoint!("macros-place-14").await.unwrap();
    failpoint_can_stand_everywhere:
        "macros-place-15", drop(failpoint!("macros-place-15").await);
}

#[test]
fn every_macro_takes_trailing_commas() {
    let _alone = isolate();
    let name = "macros-commas";
    let context = &failpoint_context! { "a" => 1, "b" => 2, };
    let token = &CancellationToken::new();
    counts(name);
    now(async {
        fail_point!("macros-commas",);
        fail_point!("macros-commas", |_| (),);
        fail_point!("macros-commas", true, |_| (),);
        fail_point_sync!("macros-commas",);
        fail_point_sync!("macros-commas", |_| (),);
        fail_point_sync!("macros-commas", true, |_| (),);
        fail_point_with_context!("macros-commas", context,);
        fail_point_with_context!("macros-commas", context, |_| (),);
        fail_point_with_context!("macros-commas", context, true, |_| (),);
        fail_point_with_context_sync!("macros-commas", context,);
        fail_point_with_context_sync!("macros-commas", context, |_| (),);
        fail_point_with_context_sync!("macros-commas", context, true, |_| (),);
        let _ = failpoint!("macros-commas",).await;
        let _ = failpoint!("macros-commas", context,).await;
        let _ = failpoint!("macros-commas", cancel = token,).await;
        let _ = failpoint!("macros-commas", context, cancel = token,).await;
        let _ = pausable_failpoint!("macros-commas",).await;
        let _ = pausable_failpoint!("macros-commas", token,).await;
        sleep_millis_async!("macros-commas",).await;
        sleep_millis_async!("macros-commas", token,).await;
        fail_point!(name,);
        fail_point_sync!(name,);
    });
    assert_stats(name, (super::FORMS + 2, super::FORMS + 2, 0));
}

#[test]
fn every_bracket_will_do() {
    let _alone = isolate();
    counts("macros-brackets");
    now(async {
        fail_point! { "macros-brackets" }
        fail_point!["macros-brackets"];
        fail_point_sync! { "macros-brackets", |_| () }
        fail_point_sync!["macros-brackets"];
    });
    assert_stats("macros-brackets", (4, 4, 0));
}
