//! Proves that the closure of a macro may be written in any way and return any type.

// Closures as people write them.
#![allow(
    clippy::needless_question_mark,
    clippy::needless_return,
    clippy::redundant_closure
)]

use std::pin::pin;
use std::task::Poll;

use super::prelude::*;
use crate::common::{Counter, poll_with};

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
            let _alone = isolate();
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
    let _alone = isolate();
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
    let _alone = isolate();
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
    let _alone = isolate();
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

/// The argument is on its way to the macro by a place that all hits of a thread share.
#[test]
fn has_its_own_argument_whatever_hits_in_it_and_after_it() {
    async fn inner() -> String {
        fail_point!("closure-inner", |value| value);
        "no inner".to_owned()
    }
    async fn outer() -> String {
        fail_point!("closure-outer", |value| {
            format!("{value}, {}, {}", now(inner()), now(inner()))
        });
        fail_point!("closure-yields", |value| value);
        "nothing".to_owned()
    }
    let _alone = isolate();
    configure_failpoint("closure-outer", "1*return(outer)").unwrap();
    configure_failpoint("closure-inner", "1*return(inner)").unwrap();
    configure_failpoint("closure-yields", "yield").unwrap();
    assert_eq!(now(outer()), "outer, inner, no inner");
    let (_, waker) = Counter::new();
    let mut second = pin!(outer());
    assert_eq!(poll_with(second.as_mut(), &waker), Poll::Pending);
    // One that returns between two polls of another.
    configure_failpoint("closure-inner", "return(between)").unwrap();
    assert_eq!(now(inner()), "between");
    let end = poll_with(second.as_mut(), &waker);
    assert_eq!(end, Poll::Ready("nothing".to_owned()));
}
