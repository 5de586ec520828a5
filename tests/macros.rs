//! Proves that the macros can stand wherever users put them, with any name and any
//! closure, however they are imported. Most of the proof is that this file compiles.
//! Shares the global table: every test has names of its own.

mod common;

// One of the ways to import a macro; the crate has another name here.
#[macro_use(fail_point, fail_point_sync)]
extern crate neon_failpoint as renamed;

/// As a crate does that offers the macros as its own.
mod reexports {
    pub(crate) use neon_failpoint::{fail_point, fail_point_sync as sync_point, failpoint};
}

/// What most modules here need.
mod prelude {
    pub(crate) use crate::common::{assert_stats, now};
    pub(crate) use neon_failpoint::*;
    pub(crate) use std::fmt::{Debug, Display};
    pub(crate) use std::future::Future;
    pub(crate) use std::num::ParseIntError;
    pub(crate) use std::pin::Pin;
    pub(crate) use tokio_util::sync::CancellationToken;

    /// Configures `name` to return `value`.
    pub(crate) fn returns(name: &str, value: &str) {
        configure_failpoint(name, format!("return({value})")).unwrap();
    }

    /// Configures `name` so that its hits are counted.
    pub(crate) fn counts(name: &str) {
        configure_failpoint(name, "off").unwrap();
    }
}

/// Every form of every macro that hits a point, once each: in an `async` block whose
/// value is `()`.
macro_rules! hit_by_every_macro {
    ($($name:tt)+) => {{
        let token = &CancellationToken::new();
        fail_point!($($name)+);
        fail_point!($($name)+, |_| ());
        fail_point!($($name)+, true, |_| ());
        fail_point_sync!($($name)+);
        fail_point_sync!($($name)+, |_| ());
        fail_point_sync!($($name)+, true, |_| ());
        fail_point_with_context!($($name)+, &failpoint_context! {});
        fail_point_with_context!($($name)+, &failpoint_context! {}, |_| ());
        fail_point_with_context!($($name)+, &failpoint_context! {}, true, |_| ());
        fail_point_with_context_sync!($($name)+, &failpoint_context! {});
        fail_point_with_context_sync!($($name)+, &failpoint_context! {}, |_| ());
        fail_point_with_context_sync!($($name)+, &failpoint_context! {}, true, |_| ());
        let _ = failpoint!($($name)+).await;
        let _ = failpoint!($($name)+, &failpoint_context! {}).await;
        let _ = failpoint!($($name)+, cancel = token).await;
        let _ = failpoint!($($name)+, &failpoint_context! {}, cancel = token).await;
        let _ = pausable_failpoint!($($name)+).await;
        let _ = pausable_failpoint!($($name)+, token).await;
        sleep_millis_async!($($name)+).await;
        sleep_millis_async!($($name)+, token).await;
    }};
}

/// How many that are.
const FORMS: usize = 20;

mod a_name {
    use super::prelude::*;
    use std::borrow::Cow;
    use std::rc::Rc;

    /// Proves that every macro takes the expression as a name and hits that point.
    macro_rules! can_be {
        ($($test:ident: $value:literal as ($($name:tt)+);)*) => {
            $(#[test]
            fn $test() {
                counts($value);
                now(async { hit_by_every_macro!($($name)+) });
                assert_stats($value, (FORMS, FORMS, 0));
            })*
        };
    }

    use super::FORMS;

    const CONST: &str = "macros-const";
    static STATIC: &str = "macros-static";
    static SITE: &str = "macros-SITE";
    trait Named {
        const NAME: &'static str = "macros-associated";
    }
    impl Named for () {}

    fn made(of: &str) -> String {
        format!("macros-{of}")
    }

    can_be! {
        can_be_a_literal: "macros-literal" as ("macros-literal");
        can_be_a_raw_literal: "macros-\"raw\"" as (r#"macros-"raw""#);
        can_be_a_const: "macros-const" as (CONST);
        can_be_a_static: "macros-static" as (STATIC);
        can_be_called_as_the_static_of_a_call_site: "macros-SITE" as (SITE);
        can_be_an_associated_const: "macros-associated" as (<() as Named>::NAME);
        can_be_a_macro_call: "macros-concat-1" as (concat!("macros-", "concat-", 1));
        can_be_a_block: "macros-block" as ({ "macros-block" });
        can_be_parenthesised: "macros-parentheses" as (("macros-parentheses"));
        can_be_chosen: "macros-if" as (if FORMS == 0 { "" } else { "macros-if" });
        can_be_a_temporary_string: "macros-format-1" as (&format!("macros-format-{}", 1));
        can_be_a_string_that_a_function_makes: "macros-made" as (&made("made"));
        can_be_a_slice_of_a_temporary: "macros-slice" as (made("slice, and more")[..12].trim());
        can_be_a_temporary_cow: "macros-cow" as (&Cow::Borrowed("macros-cow"));
        can_be_a_temporary_rc: "macros-rc" as (&Rc::<str>::from("macros-rc"));
        can_be_a_reference_to_a_reference: "macros-references" as (&&"macros-references");
    }

    #[test]
    fn can_be_a_local_variable() {
        let name = "macros-local-str";
        let string = "macros-local-string".to_owned();
        let fields = ("macros-field".to_owned(), ["macros-element"]);
        for name in [name, &string, &fields.0, fields.1[0]] {
            counts(name);
        }
        now(async {
            hit_by_every_macro!(name);
            hit_by_every_macro!(&string);
            hit_by_every_macro!(string.as_str());
            hit_by_every_macro!(&fields.0);
            hit_by_every_macro!(fields.1[0]);
        });
        assert_stats(name, (FORMS, FORMS, 0));
        assert_stats(&string, (2 * FORMS, 2 * FORMS, 0));
        assert_stats(&fields.0, (FORMS, FORMS, 0));
        assert_stats(fields.1[0], (FORMS, FORMS, 0));
    }

    #[test]
    fn can_be_any_text_the_empty_one_included() {
        now(async {
            hit_by_every_macro!("");
            hit_by_every_macro!("a=b;c->d(\"{}\")\n\u{0}ü");
        });
        counts("macros a=b;c->d(\"{}\")\n\u{0}ü");
        now(async { hit_by_every_macro!("macros a=b;c->d(\"{}\")\n\u{0}ü") });
        assert_stats("macros a=b;c->d(\"{}\")\n\u{0}ü", (FORMS, FORMS, 0));
    }
}

mod a_statement_or_expression {
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
        counts("macros-brackets");
        now(async {
            fail_point! { "macros-brackets" }
            fail_point!["macros-brackets"];
            fail_point_sync! { "macros-brackets", |_| () }
            fail_point_sync!["macros-brackets"];
        });
        assert_stats("macros-brackets", (4, 4, 0));
    }
}

mod an_enclosing_function {
    use super::prelude::*;

    async fn generic<T: From<String>>(other: T) -> T {
        fail_point!("macros-generic", |v| v.into());
        fail_point_sync!("macros-generic", |v| T::from(v));
        other
    }

    fn generic_sync<T: std::str::FromStr + Default, const N: usize>() -> [Result<T, T::Err>; N] {
        fail_point_sync!(
            "macros-generic-sync",
            |v| std::array::from_fn(|_| v.parse())
        );
        std::array::from_fn(|_| Ok(T::default()))
    }

    #[test]
    fn may_be_generic() {
        returns("macros-generic", "7");
        returns("macros-generic-sync", "7");
        assert_eq!(now(generic(String::new())), "7");
        assert_eq!(*now(generic::<Box<str>>("".into())), *"7");
        assert_eq!(generic_sync::<u8, 2>(), [Ok(7), Ok(7)]);
        assert_eq!(generic_sync::<f64, 1>(), [Ok(7.0)]);
        remove_failpoint("macros-generic-sync");
        assert_eq!(generic_sync::<u8, 1>(), [Ok(0)]);
    }

    struct Store<'a, T> {
        inner: &'a T,
    }

    impl<'a, T: Clone + Debug + Sync> Store<'a, T> {
        async fn load(&self) -> Result<T, String> {
            fail_point!("macros-impl", |why| Err(format!("{why}: {:?}", self.inner)));
            Ok(self.inner.clone())
        }

        fn load_sync(&'a self) -> Result<&'a T, String> {
            fail_point_sync!("macros-impl", |why| Err(format!("{why}: {:?}", self.inner)));
            Ok(self.inner)
        }
    }

    trait Step: Sync {
        fn id(&self) -> u32;

        fn sync_step(&self) -> u32 {
            fail_point_sync!("macros-trait", |v| v.parse::<u32>().unwrap() + self.id());
            self.id()
        }

        async fn step(&self) -> u32 {
            fail_point!("macros-trait", |v| v.parse::<u32>().unwrap() + self.id());
            self.id()
        }

        // What #[async_trait] makes of an `async fn`.
        fn boxed<'life0, 'life1, 'async_trait>(
            &'life0 self,
            more: &'life1 u32,
        ) -> Pin<Box<dyn Future<Output = u32> + Send + 'async_trait>>
        where
            'life0: 'async_trait,
            'life1: 'async_trait,
            Self: 'async_trait,
        {
            Box::pin(async move {
                if let Some(__ret) = None::<u32> {
                    #[allow(unreachable_code)]
                    return __ret;
                }
                let __self = self;
                let __ret: u32 = {
                    fail_point!("macros-trait", |v| v.parse::<u32>().unwrap() + __self.id());
                    fail_point_with_context!(
                        "macros-trait",
                        &failpoint_context! { "id" => __self.id() },
                        |_| more + 1
                    );
                    __self.id() + more
                };
                #[allow(unreachable_code)]
                __ret
            })
        }

        fn implicit(&self) -> impl Future<Output = u32> + Send {
            async {
                fail_point!("macros-trait", |v| v.parse::<u32>().unwrap() + self.id());
                self.id()
            }
        }
    }

    struct One;

    impl Step for One {
        fn id(&self) -> u32 {
            1
        }
    }

    #[test]
    fn may_be_a_method_of_a_generic_type() {
        returns("macros-impl", "why");
        let store = Store { inner: &[1] };
        assert_eq!(now(store.load()), Err("why: [1]".to_owned()));
        assert_eq!(store.load_sync(), Err("why: [1]".to_owned()));
    }

    #[test]
    fn may_be_a_default_method_of_a_trait() {
        let all = || {
            let step: &dyn Fn() -> u32 = &|| One.sync_step();
            [
                step(),
                now(One.step()),
                now(One.boxed(&10)),
                now(One.implicit()),
            ]
        };
        assert_eq!(all(), [1, 1, 11, 1]);
        returns("macros-trait", "6");
        assert_eq!(all(), [7; 4]);
    }

    #[test]
    fn may_be_a_closure_or_a_block() {
        returns("macros-closures", "2");
        let annotated = || -> Result<u8, ParseIntError> {
            fail_point_sync!("macros-closures", |v| v.parse());
            Ok(0)
        };
        let inferred = |other| {
            fail_point_sync!("macros-closures", |v| v.len() as u8);
            other
        };
        let block = async {
            fail_point!("macros-closures", |v| v.parse().ok());
            Some(0_u8)
        };
        let moving = {
            let local = String::from("local");
            async move {
                fail_point!("macros-closures", |v| v + &local);
                local
            }
        };
        let async_closure = async |other: u8| -> Result<u8, ParseIntError> {
            fail_point!("macros-closures", |v| Ok(v.parse::<u8>()? + other));
            Ok(other)
        };
        let mut calls = 0;
        let mut async_mut = async || {
            calls += 1;
            fail_point!("macros-closures", |v| v.len() + calls);
            0
        };
        let nested = || {
            let inner = || {
                fail_point_sync!("macros-closures", |_| "inner");
                "not inner"
            };
            (inner(), "outer")
        };
        assert_eq!(annotated(), Ok(2));
        assert_eq!(inferred(9), 1);
        assert_eq!(now(block), Some(2));
        assert_eq!(now(moving), "2local");
        assert_eq!(now(async_closure(3)), Ok(5));
        assert_eq!((now(async_mut()), now(async_mut())), (2, 3));
        // It returns from the closure, not from what is around that.
        assert_eq!(nested(), ("inner", "outer"));
    }

    #[test]
    fn may_loop_around_it() {
        configure_failpoint("macros-loop", "3*off->return(out)").unwrap();
        let sync = || {
            let owned = String::from("owned");
            let mut rounds = 0;
            loop {
                // Moved, but only where the loop is left.
                fail_point_sync!("macros-loop", |v| (v, owned, rounds));
                rounds += 1;
            }
        };
        assert_eq!(sync(), ("out".to_owned(), "owned".to_owned(), 3));

        configure_failpoint("macros-loop", "3*off->return(out)").unwrap();
        let task = async {
            let owned = String::from("owned");
            for rounds in 0.. {
                match rounds % 2 {
                    0 => fail_point!("macros-loop", |v| (v, owned, rounds)),
                    _ => {
                        fail_point_with_context!(
                            "macros-loop",
                            &failpoint_context! { "round" => rounds },
                            |v| (v, owned, rounds)
                        )
                    }
                }
            }
            unreachable!()
        };
        assert_eq!(now(task), ("out".to_owned(), "owned".to_owned(), 3));
    }
}

/// Names of the standard library are out of reach or mean something else here.
#[no_implicit_prelude]
mod without_a_prelude {
    #![allow(dead_code)]

    use ::neon_failpoint::*;
    use ::std::assert_eq;

    // What a macro could have meant by these names.
    mod core {}
    mod std {}
    struct Option;
    struct String;
    struct Some;
    struct None;
    struct Ok;
    struct Err;
    trait Into {}
    trait Future {}

    async fn task(
        name: &str,
        token: &::tokio_util::sync::CancellationToken,
    ) -> (&'static str, ::std::string::String) {
        fail_point!("macros-no-prelude");
        fail_point!(name);
        fail_point_sync!("macros-no-prelude");
        fail_point_sync!(name);
        let context = &failpoint_context! { "k" => "v", "n" => 1 };
        fail_point_with_context!("macros-no-prelude", context);
        fail_point_with_context_sync!("macros-no-prelude", context);
        let _ = failpoint!("macros-no-prelude").await;
        let _ = failpoint!(name, context, cancel = token).await;
        let _ = pausable_failpoint!("macros-no-prelude", token).await;
        sleep_millis_async!("macros-no-prelude", token).await;
        fail_point_with_context_sync!("macros-no-prelude", context, false, |v| ("1", v));
        fail_point_with_context!("macros-no-prelude", context, false, |v| ("2", v));
        fail_point_sync!("macros-no-prelude", false, |v| ("3", v));
        fail_point!("macros-no-prelude", |v| ("4", v));
        ::std::unreachable!()
    }

    #[test]
    fn the_macros_need_no_name_of_the_standard_library() {
        let name = "macros-no-prelude";
        configure_failpoint(name, "10*off->return(x)").unwrap();
        let token = ::tokio_util::sync::CancellationToken::new();
        let (which, value) = super::common::now(task(name, &token));
        assert_eq!((which, &*value), ("4", "x"));
    }
}

mod a_closure {
    // Closures as people write them.
    #![allow(
        clippy::needless_question_mark,
        clippy::needless_return,
        clippy::redundant_closure
    )]

    use super::prelude::*;

    /// A function of each kind with the same body, and proof that all of them return
    /// what the closure makes of "7".
    macro_rules! can_return {
        ($($test:ident: $name:literal, $ty:ty, $closure:expr, $other:expr, $expected:expr;)*) => {
            $(#[test]
            fn $test() {
                fn sync() -> $ty {
                    fail_point_sync!($name, $closure);
                    $other
                }
                fn sync_if() -> $ty {
                    fail_point_sync!($name, 1 + 1 == 2, $closure);
                    $other
                }
                fn sync_context() -> $ty {
                    fail_point_with_context_sync!($name, &failpoint_context! {}, $closure);
                    $other
                }
                async fn task() -> $ty {
                    fail_point!($name, $closure);
                    $other
                }
                async fn task_if() -> $ty {
                    fail_point!($name, 1 + 1 == 2, $closure);
                    $other
                }
                async fn task_context() -> $ty {
                    fail_point_with_context!($name, &failpoint_context! {}, $closure);
                    $other
                }
                returns($name, "7");
                let all = [sync(), sync_if(), sync_context()];
                let all = all.into_iter().chain([now(task())]);
                let all = all.chain([now(task_if())]).chain([now(task_context())]);
                for result in all {
                    assert_eq!(result, $expected);
                }
                assert_stats($name, (6, 6, 0));
                configure_failpoint($name, "off").unwrap();
                for result in [sync(), now(task())] {
                    assert_eq!(result, $other);
                }
            })*
        };
    }

    #[derive(Debug, PartialEq)]
    struct Reply {
        text: String,
    }

    #[derive(Debug, PartialEq)]
    struct Failure(String);

    impl From<ParseIntError> for Failure {
        fn from(error: ParseIntError) -> Self {
            Self(error.to_string())
        }
    }

    impl From<String> for Failure {
        fn from(text: String) -> Self {
            Self(text)
        }
    }

    fn named(value: String) -> Result<u8, Failure> {
        Err(Failure(value))
    }

    can_return! {
        can_return_unit: "macros-closure-unit", (), |_| (), (), ();
        can_return_an_empty_block: "macros-closure-block", (), |_| {}, (), ();
        can_return_the_value: "macros-closure-string", String, |v| v, String::new(), "7";
        can_return_an_option: "macros-closure-option", Option<u8>, |v| v.parse().ok(), None, Some(7);
        can_return_a_struct:
            "macros-closure-struct", Reply, |text| Reply { text },
            Reply { text: String::new() }, Reply { text: "7".into() };
        can_return_an_error:
            "macros-closure-error", Result<u8, String>, |v| Err(v), Ok(1), Err("7".to_owned());
        can_be_a_constructor:
            "macros-closure-constructor", Result<u8, String>, Err, Ok(1), Err("7".to_owned());
        can_be_a_function:
            "macros-closure-function", Result<u8, Failure>, named, Ok(1), Err(Failure("7".into()));
        can_be_a_method:
            "macros-closure-method", Failure, Failure::from,
            Failure(String::new()), Failure("7".into());
        can_be_a_generic_function:
            "macros-closure-into", Box<str>, Into::into, "".into(), "7".into();
        can_parse_into_the_type_of_the_function:
            "macros-closure-parse", Result<u64, ParseIntError>, |v| v.parse(), Ok(1), Ok(7);
        can_parse_into_part_of_that_type:
            "macros-closure-default", Result<u64, Failure>,
            |v| Ok(v.parse().unwrap_or_default()), Ok(1), Ok(7);
        can_return_early_as_in_the_specification:
            "macros-closure-return", Result<u64, Failure>,
            |value| {
                println!("Got value: {}", value);
                return Ok(value.parse().unwrap_or_default());
            },
            Ok(1), Ok(7);
        can_use_the_question_mark:
            "macros-closure-question", Result<u64, Failure>,
            |v| {
                let number: u64 = v.parse()?;
                Err(format!("{number} of {}", "x".parse::<u8>()?))?
            },
            Ok(1), Err(Failure("invalid digit found in string".into()));
        can_use_the_question_mark_on_an_option:
            "macros-closure-question-option", Option<char>, |v| Some(v.chars().next()?),
            None, Some('7');
        can_be_annotated:
            "macros-closure-annotated", usize, |v: String| -> usize { v.len() }, 0, 1;
        can_take_the_value_as_mutable:
            "macros-closure-mutable", String, |mut v| { v.push('!'); v }, String::new(), "7!";
        can_be_in_parentheses:
            "macros-closure-parentheses", String, (|v| v), String::new(), "7";
        can_be_chosen:
            "macros-closure-chosen", String,
            if cfg!(test) { |v: String| v } else { |_| unreachable!() },
            String::new(), "7";
        can_return_a_boxed_trait_object:
            "macros-closure-dyn", Pin<Box<Reply>>, |text| Box::pin(Reply { text }),
            Box::pin(Reply { text: String::new() }), Box::pin(Reply { text: "7".into() });
    }

    #[test]
    fn can_have_an_opaque_type_returned() {
        fn sync() -> impl Display {
            fail_point_sync!("macros-closure-impl", |v| v);
            String::new()
        }
        async fn task() -> impl Display + Send {
            fail_point!("macros-closure-impl", |v| v);
            String::new()
        }
        async fn boxed() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            fail_point!("macros-closure-impl", |v| Err(v.into()));
            Ok(())
        }
        returns("macros-closure-impl", "7");
        assert_eq!(sync().to_string(), "7");
        assert_eq!(now(task()).to_string(), "7");
        assert_eq!(now(boxed()).unwrap_err().to_string(), "7");
    }

    #[test]
    fn may_diverge() {
        fn sync() -> u8 {
            fail_point_sync!("macros-closure-never", |v| panic!("{v}"));
            1
        }
        async fn task() -> u8 {
            fail_point!("macros-closure-never", |_| unreachable!());
            1
        }
        configure_failpoint("macros-closure-never", "off").unwrap();
        assert_eq!((sync(), now(task())), (1, 1));
        returns("macros-closure-never", "never");
        let panic = std::panic::catch_unwind(sync).unwrap_err();
        assert_eq!(*panic.downcast::<String>().unwrap(), "never");
    }

    #[test]
    fn borrows_moves_and_changes_locals() {
        fn sync(log: &mut Vec<String>) -> Vec<String> {
            let local = String::from("local");
            let mut count = 0;
            fail_point_sync!("macros-closure-locals", |v| {
                count += 1;
                log.push(format!("{v}, {local}, {count}"));
                log.clone()
            });
            fail_point_sync!("macros-closure-locals", |_| vec![local]);
            drop(local);
            log.push(count.to_string());
            Vec::new()
        }
        async fn task(log: &mut Vec<String>) -> Vec<String> {
            let local = String::from("local");
            let mut count = 0;
            fail_point!("macros-closure-locals", |v| {
                count += 1;
                log.push(format!("{v}, {local}, {count}"));
                std::mem::take(log)
            });
            fail_point!("macros-closure-locals", |_| vec![local]);
            drop(local);
            log.push(count.to_string());
            Vec::new()
        }
        let mut log = Vec::new();
        returns("macros-closure-locals", "7");
        assert_eq!(sync(&mut log), ["7, local, 1"]);
        log.clear();
        assert_eq!(now(task(&mut log)), ["7, local, 1"]);
        configure_failpoint("macros-closure-locals", "1*off->return").unwrap();
        assert_eq!(sync(&mut log), ["local"]);
        configure_failpoint("macros-closure-locals", "1*off->return").unwrap();
        assert_eq!(now(task(&mut log)), ["local"]);
        configure_failpoint("macros-closure-locals", "off").unwrap();
        assert_eq!((sync(&mut log).len(), now(task(&mut log)).len()), (0, 0));
        assert_eq!(log, ["0", "0"]);
    }
}

mod evaluation {
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
}

mod hygiene {
    #![allow(non_snake_case)]

    use super::prelude::*;

    #[test]
    fn locals_with_the_names_of_the_macros_own_variables_do_not_clash() {
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
}

mod imports {
    use super::common::{assert_stats, now};

    /// Proves that two hits of `$name` are made by `$hit`.
    macro_rules! work {
        ($($test:ident: $name:literal, $hit:block;)*) => {
            $(#[test]
            fn $test() {
                neon_failpoint::configure_failpoint($name, "off").unwrap();
                now(async $hit);
                assert_stats($name, (2, 2, 0));
            })*
        };
    }

    mod glob {
        use neon_failpoint::*;

        pub(super) async fn hits() {
            fail_point!("macros-import-glob");
            // The function and the macro have one name.
            let _ = failpoint("macros-import-glob", None).await;
        }
    }

    mod own_wrapper {
        /// As a project wraps the macro to have one place for it.
        macro_rules! by_expr {
            ($name:expr) => {
                ::neon_failpoint::fail_point!($name)
            };
            ($name:expr, $($rest:expr),+) => {
                ::neon_failpoint::fail_point!($name, $($rest),+)
            };
        }
        macro_rules! by_literal {
            ($name:literal $(, $e:expr)?) => {
                ::neon_failpoint::fail_point!($name $(, $e)?)
            };
        }
        macro_rules! by_tokens {
            ($($arg:tt)*) => {
                ::neon_failpoint::fail_point!($($arg)*)
            };
        }
        macro_rules! by_ident {
            ($prefix:literal, $name:ident) => {
                ::neon_failpoint::fail_point!(concat!($prefix, "-", stringify!($name)))
            };
        }
        macro_rules! twice {
            ($name:expr) => {
                by_expr!($name);
                by_expr!($name)
            };
        }
        pub(super) use {by_expr, by_ident, by_literal, by_tokens, twice};
    }

    work! {
        work_by_path: "macros-import-path", {
            neon_failpoint::fail_point!("macros-import-path");
            ::neon_failpoint::fail_point_sync!("macros-import-path");
        };
        work_by_use: "macros-import-use", {
            use neon_failpoint::{fail_point, fail_point_sync};
            fail_point!("macros-import-use");
            fail_point_sync!("macros-import-use");
        };
        work_by_use_under_another_name: "macros-import-as", {
            use neon_failpoint::{fail_point as fp, fail_point_sync as fps};
            fp!("macros-import-as");
            fps!("macros-import-as");
        };
        work_by_glob: "macros-import-glob", { glob::hits().await };
        work_by_another_modules_reexport: "macros-import-reexport", {
            use super::reexports::sync_point;
            super::reexports::fail_point!("macros-import-reexport");
            sync_point!("macros-import-reexport", |_| ());
        };
        work_by_a_reexported_name_that_is_macro_and_function: "macros-import-both", {
            use super::reexports::failpoint;
            let _ = failpoint!("macros-import-both").await;
            let _ = failpoint("macros-import-both", None).await;
        };
        work_by_macro_use_of_a_renamed_crate: "macros-import-macro-use", {
            fail_point!("macros-import-macro-use");
            fail_point_sync!("macros-import-macro-use", |_| ());
        };
        work_by_path_of_a_renamed_crate: "macros-import-renamed", {
            crate::renamed::fail_point!("macros-import-renamed");
            let _ = crate::renamed::failpoint!("macros-import-renamed").await;
        };
        work_in_a_wrapper_that_takes_expressions: "macros-wrapper-expr", {
            use own_wrapper::by_expr;
            by_expr!("macros-wrapper-expr");
            by_expr!(&String::from("macros-wrapper-expr"), true, |_| ());
        };
        work_in_a_wrapper_that_takes_literals: "macros-wrapper-literal", {
            use own_wrapper::by_literal;
            by_literal!("macros-wrapper-literal");
            by_literal!("macros-wrapper-literal", |_| ());
        };
        work_in_a_wrapper_that_takes_tokens: "macros-wrapper-tokens", {
            use own_wrapper::by_tokens;
            by_tokens!("macros-wrapper-tokens",);
            by_tokens!("macros-wrapper-tokens", true, |_| ());
        };
        work_in_a_wrapper_that_takes_identifiers: "macros-wrapper-ident", {
            use own_wrapper::by_ident;
            by_ident!("macros-wrapper", ident);
            by_ident!("macros-wrapper", ident);
        };
        work_in_a_wrapper_of_a_wrapper: "macros-wrapper-twice", {
            use own_wrapper::{by_expr, twice};
            twice!("macros-wrapper-twice");
        };
    }
}

mod futures {
    use super::prelude::*;
    use std::rc::Rc;
    use std::sync::LazyLock;

    fn is_send<T: Send>(value: T) -> T {
        value
    }

    #[test]
    fn of_all_macros_are_send_whatever_makes_their_context_and_name() {
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
        static TOKEN: LazyLock<CancellationToken> = LazyLock::new(CancellationToken::new);
        static CONTEXT: FailpointContext = FailpointContext::new();
        let runtime = super::common::Runtime::MultiThread.build();
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
}
