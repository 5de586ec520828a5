//! Proves that a macro's own names and labels do not clash with those of its user.

#![allow(non_snake_case)]

use super::prelude::*;

#[test]
fn locals_with_the_names_of_the_macros_own_variables_do_not_clash() {
    let _alone = isolate();
    // Each of them is `&str`, and gives a name, a key, a value and a result.
    macro_rules! with_local {
        ($($local:ident)*) => {
            $({
                let $local = concat!("macros-hygiene-", stringify!($local));
                let sync = || {
                    fail_point_sync!($local, !$local.is_empty(), |v| (v, $local));
                    unreachable!()
                };
                let sync_context = || {
                    fail_point_with_context_sync!(
                        $local,
                        &failpoint_context! { $local => $local },
                        !$local.is_empty(),
                        |v| (v, $local)
                    );
                    unreachable!()
                };
                let task = async {
                    fail_point!($local, !$local.is_empty(), |v| (v, $local));
                    unreachable!()
                };
                let task_context = async {
                    fail_point_with_context!(
                        $local,
                        &failpoint_context! { $local => $local },
                        !$local.is_empty(),
                        |v| (v, $local)
                    );
                    unreachable!()
                };
                let future = async {
                    let $local = &failpoint_context! { $local => $local };
                    failpoint!("macros-hygiene", $local).await
                };
                let cancel = async {
                    let $local = &CancellationToken::new();
                    failpoint!("macros-hygiene", cancel = $local).await
                };
                let key = format!("when(\"{}\"=\".*\")", $local);
                configure_failpoint($local, format!("2*return(x)->{key}return(x)")).unwrap();
                let expected = || ("x".to_owned(), $local);
                assert_eq!((sync(), now(task)), (expected(), expected()));
                assert_eq!((sync_context(), now(task_context)), (expected(), expected()));
                configure_failpoint("macros-hygiene", format!("{key}return(y)")).unwrap();
                assert_eq!(now(future), FailpointResult::Return("y".into()));
                assert_eq!(now(cancel), FailpointResult::Continue);
            })*
        };
    }
    with_local! {
        value target begun waiting context cancel closure condition name result future
        SITE Site Some_ point registry
    }
}

#[test]
fn items_with_the_name_of_the_call_sites_static_do_not_clash() {
    let _alone = isolate();
    const SITE: &str = "macros-hygiene-item";
    returns(SITE, "x");
    let sync = || {
        fail_point_sync!("macros-hygiene-item", |v| v + SITE);
        String::new()
    };
    let context = || {
        fail_point_with_context_sync!(
            "macros-hygiene-item",
            &failpoint_context! { SITE => SITE },
            |v| v + SITE
        );
        String::new()
    };
    assert_eq!(
        (sync(), context()),
        ("xmacros-hygiene-item".into(), "xmacros-hygiene-item".into())
    );
}

#[test]
fn labels_and_loops_of_the_user_are_the_users() {
    let _alone = isolate();
    counts("macros-hygiene-loop");
    let rounds = now(async {
        let mut rounds = 0;
        'outer: loop {
            rounds += 1;
            fail_point!(
                "macros-hygiene-loop",
                {
                    if rounds == 3 {
                        break 'outer;
                    }
                    if rounds == 1 {
                        continue;
                    }
                    true
                },
                |_| 0
            );
        }
        rounds
    });
    assert_eq!(rounds, 3);
    assert_stats("macros-hygiene-loop", (1, 1, 0));
}
