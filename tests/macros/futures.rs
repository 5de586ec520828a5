//! Proves what the futures of the macros are: `Send`, `'static` where they can be, and mere borrowers
//! of what they are given.

use super::prelude::*;
use std::rc::Rc;
use std::sync::LazyLock;

fn is_send<T: Send>(value: T) -> T {
    value
}

#[test]
fn of_all_macros_are_send_whatever_makes_their_context_and_name() {
    let _alone = isolate();
    counts("macros-send");
    let name = String::from("macros-send");
    let token = CancellationToken::new();
    // An `Rc` is not: temporaries are gone before the macro awaits.
    now(is_send(async {
        let context = |key: Rc<str>| failpoint_context! { &*key => Rc::new(1) };
        fail_point!(&Rc::<str>::from("macros-send"));
        fail_point!(&Rc::<str>::from("macros-send"), |_| ());
        fail_point_with_context!("macros-send", &context(Rc::from("k")));
        fail_point_with_context!("macros-send", &context(Rc::from("k")), |_| ());
        fail_point_with_context!(&name, &failpoint_context! { "k" => Rc::new(1) }, |_| ());
        let _ = failpoint!("macros-send", &context(Rc::from("k"))).await;
        hit_by_every_macro!("macros-send");
        hit_by_every_macro!(&name);
        hit_by_every_macro!(&format!("macros-{}", "send"));
    }));
    let _ = now(is_send(failpoint!("macros-send")));
    let _ = now(is_send(failpoint!(&name, cancel = &token)));
    let _ = now(is_send(failpoint!(
        &name,
        &failpoint_context! {},
        cancel = &token
    )));
    let _ = now(is_send(pausable_failpoint!(&name, &token)));
    now(is_send(sleep_millis_async!(&name, &token)));
    let hits = 6 + 3 * super::FORMS + 5;
    assert_stats("macros-send", (hits, hits, 0));
}

#[test]
fn of_a_literal_name_can_be_spawned() {
    let _alone = isolate();
    static TOKEN: LazyLock<CancellationToken> = LazyLock::new(CancellationToken::new);
    static CONTEXT: FailpointContext = FailpointContext::new();
    let runtime = crate::common::Runtime::MultiThread.build();
    returns("macros-spawned", "1");
    let results = runtime.block_on(async {
        let tasks = [
            tokio::spawn(failpoint!("macros-spawned")),
            tokio::spawn(failpoint!("macros-spawned", cancel = &TOKEN)),
            tokio::spawn(failpoint("macros-spawned", Some(&CONTEXT))),
        ];
        tokio::spawn(pausable_failpoint!("macros-spawned", &TOKEN))
            .await
            .unwrap()
            .unwrap();
        tokio::spawn(sleep_millis_async!("macros-spawned"))
            .await
            .unwrap();
        let owned = tokio::spawn(async move {
            let name = String::from("macros-spawned");
            let tenant = 17;
            failpoint!(&name, &failpoint_context! { "tenant" => tenant }).await
        });
        let mut results = vec![owned.await.unwrap()];
        for task in tasks {
            results.push(task.await.unwrap());
        }
        results
    });
    assert_eq!(results, vec![FailpointResult::Return("1".into()); 4]);
    assert_stats("macros-spawned", (6, 6, 0));
}

#[test]
fn may_be_awaited_with_temporaries_for_token_and_context() {
    let _alone = isolate();
    fn token() -> CancellationToken {
        let token = CancellationToken::new();
        token.cancel();
        token
    }
    configure_failpoint("macros-temporaries", "when(k=v)pause").unwrap();
    let context = || failpoint_context! { "k" => "v" };
    now(async {
        let cancelled = FailpointResult::Cancelled;
        let result = failpoint!("macros-temporaries", &context(), cancel = &token()).await;
        assert_eq!(result, cancelled);
        assert_eq!(
            failpoint!(
                &format!("macros-{}", "temporaries"),
                &failpoint_context! { "k" => String::from("v") },
                cancel = &token().child_token()
            )
            .await,
            cancelled
        );
        configure_failpoint("macros-temporaries", "pause").unwrap();
        assert_eq!(
            failpoint!("macros-temporaries", cancel = &token()).await,
            cancelled
        );
        assert_eq!(
            pausable_failpoint!("macros-temporaries", &token()).await,
            Err(())
        );
        pausable_failpoint!(&String::from("macros-temporaries"), &token())
            .await
            .unwrap_err();
        sleep_millis_async!("macros-temporaries", &token()).await;
        match failpoint!("macros-temporaries", cancel = &token()).await {
            FailpointResult::Cancelled => {}
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn of_failpoint_borrow_the_users_locals_and_do_not_move_them() {
    let _alone = isolate();
    let tenant = String::from("t-1");
    let token = CancellationToken::new();
    let name = String::from("macros-borrow");
    configure_failpoint("macros-borrow", "when(tenant=t-1)return(x)").unwrap();
    let context = failpoint_context! { "tenant" => tenant };
    let one = failpoint!(&name, &context, cancel = &token);
    let other = failpoint!(&name, &failpoint_context! { "tenant" => tenant });
    let expected = FailpointResult::Return("x".to_owned());
    assert_eq!((now(one), now(other)), (expected.clone(), expected));
    drop((tenant, token, name, context));
}

#[test]
fn take_what_derefs_to_a_token_or_a_context() {
    let _alone = isolate();
    let token = std::sync::Arc::new(CancellationToken::new());
    let context = Box::new(failpoint_context! { "k" => "v" });
    counts("macros-deref");
    now(async {
        let _ = failpoint!("macros-deref", &context, cancel = &token).await;
        let _ = failpoint!("macros-deref", cancel = &token).await;
        let _ = pausable_failpoint!("macros-deref", &token).await;
        sleep_millis_async!("macros-deref", &token).await;
        fail_point_with_context!("macros-deref", &context);
        fail_point_with_context_sync!("macros-deref", &context);
        fail_point_with_context_sync!("macros-deref", &context, |_| ());
    });
    assert_stats("macros-deref", (7, 7, 0));
}
