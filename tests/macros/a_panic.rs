//! Proves that the panic of a `panic`, and that of a `return` where nothing can be returned, is placed
//! at the macro, and that its message names the point.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::pin::Pin;
use std::sync::Once;

use super::prelude::*;
use neon_failpoint::compat;
use neon_failpoint::failpoint_support::implicit_await;

thread_local! {
    static LAST: RefCell<Option<(String, u32, String)>> = const { RefCell::new(None) };
}

/// The file, the line and the message of the panic of `f`.
#[track_caller]
fn panic_at(f: impl FnOnce()) -> (String, u32, String) {
    static HOOK: Once = Once::new();
    let note = |panic: &PanicHookInfo<'_>| {
        let place = panic.location().unwrap();
        let text = panic.payload().downcast_ref::<String>().cloned();
        LAST.set(Some((
            place.file().to_owned(),
            place.line(),
            text.unwrap_or_default(),
        )));
    };
    HOOK.call_once(|| {
        let default = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            note(panic);
            default(panic);
        }));
    });
    assert!(catch_unwind(AssertUnwindSafe(f)).is_err(), "no panic");
    LAST.take().unwrap()
}

const NAME: &str = "macros-panic";

#[test]
fn is_at_the_macro_and_names_the_point() {
    let _alone = isolate();
    // A line for each.
    #[rustfmt::skip]
    let forms: Vec<(fn(), u32)> = vec![
        (|| fail_point_sync!("macros-panic"), line!()),
        (|| fail_point_sync!("macros-panic", |_| ()), line!()),
        (|| fail_point_sync!("macros-panic", true, |_| ()), line!()),
        (|| fail_point_sync!(const { NAME }), line!()),
        (|| fail_point_sync!(NAME), line!()),
        (|| fail_point_with_context_sync!(NAME, &failpoint_context! {}), line!()),
        (|| fail_point_with_context_sync!(NAME, &failpoint_context! {}, |_| ()), line!()),
        (|| now(async { fail_point!("macros-panic") }), line!()),
        (|| now(async { fail_point!("macros-panic", |_| ()) }), line!()),
        (|| now(async { fail_point_with_context!(NAME, &failpoint_context! {}) }), line!()),
        (|| now(async { drop(failpoint!("macros-panic").await) }), line!()),
        (|| now(async { drop(failpoint!(NAME, &failpoint_context! {}).await) }), line!()),
        (|| now(async { pausable_failpoint!("macros-panic").await.unwrap() }), line!()),
        (|| now(async { sleep_millis_async!("macros-panic").await }), line!()),
        (|| now(async { implicit_await::pausable_failpoint!(NAME) }), line!()),
        (|| now(async { implicit_await::sleep_millis_async!(NAME) }), line!()),
        (|| drop(failpoint_blocking(NAME, None)), line!()),
        (|| now(async { drop(failpoint(NAME, None).await) }), line!()),
    ];
    for (actions, text) in [
        ("panic(boom)", "boom (failpoint \"macros-panic\")"),
        ("panic", "failpoint macros-panic panic"),
        ("panic()", "failpoint macros-panic panic"),
    ] {
        configure_failpoint(NAME, actions).unwrap();
        for (form, line) in &forms {
            let expected = (file!().to_owned(), *line, text.to_owned());
            assert_eq!(panic_at(form), expected, "{actions}");
        }
    }
    // A future that is polled elsewhere panics there, and says where it is from.
    for (actions, text) in [
        ("panic(boom)", "boom (failpoint \"macros-panic\" at PLACE)"),
        ("panic", "failpoint macros-panic panic at PLACE"),
    ] {
        configure_failpoint(NAME, actions).unwrap();
        let (hit, line): (Pin<Box<dyn Future<Output = _>>>, _) =
            (Box::pin(failpoint!("macros-panic")), line!());
        let (_, _, said) = panic_at(|| drop(now(hit)));
        assert_eq!(said, text.replace("PLACE", &format!("{}:{line}", file!())));
    }
    // Those of `compat` keep the texts of `fail`.
    configure_failpoint(NAME, "panic(boom)").unwrap();
    let (file, line, text) = panic_at(|| compat::fail_point!("macros-panic"));
    assert_eq!((&*file, line, &*text), (file!(), line!() - 1, "boom"));
    // And a `return` that nothing can take.
    configure_failpoint(NAME, "return").unwrap();
    let (file, line, text) = panic_at(|| fail_point_sync!(const { NAME }));
    assert_eq!((&*file, line), (file!(), line!() - 1));
    assert!(text.contains("failpoint \"macros-panic\" at "), "{text}");
}
