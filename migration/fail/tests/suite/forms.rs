//! The ways in which projects write their failpoints, compiled and run against `fail`
//! and against the shim: one body for both.

// What projects write, not what lints would have them write.
#![allow(unreachable_pub, clippy::redundant_closure, clippy::unit_arg)]

macro_rules! forms {
    ($library:ident) => {
        mod $library {
            use std::sync::{Mutex, MutexGuard, PoisonError};

            /// A scenario, and what keeps this library's other test out until the end
            /// of this one: the scenario itself only does until its teardown.
            fn scenario() -> ($library::FailScenario<'static>, MutexGuard<'static, ()>) {
                static ALONE: Mutex<()> = Mutex::new(());
                let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
                ($library::FailScenario::setup(), alone)
            }

            fn cfg(name: &str, actions: &str) {
                $library::cfg(name, actions).unwrap();
            }

            pub use $library::fail_point as exported;
            const NAME: &str = "forms-const";

            fn many_types(
                name: &'static str,
            ) -> (String, Vec<Option<u8>>, u64, Result<(), String>) {
                fn text() -> String {
                    use $library::fail_point;
                    fail_point!("forms-text", |value| value.unwrap_or_else(|| "bare".into()));
                    String::new()
                }
                fn option() -> Option<u8> {
                    $library::fail_point!("forms-option", |_| None);
                    Some(1)
                }
                fn inferred(strict: bool) -> u64 {
                    exported!("forms-number", strict, |e| e
                        .map_or(2, |e| e.parse().unwrap()));
                    0
                }
                let result = |fails: bool| -> Result<(), String> {
                    $library::fail_point!(name, fails, |e: Option<String>| Err(
                        e.unwrap_or_default()
                    )?);
                    Ok(())
                };
                (
                    text(),
                    vec![option(), option()],
                    inferred(true) + inferred(false),
                    result(true),
                )
            }

            fn diverging() -> u8 {
                $library::fail_point!("forms-never", |_| panic!("never"));
                $library::fail_point!("forms-unreachable", |_| unreachable!());
                let value = match 1 {
                    1 => $library::fail_point!(NAME),
                    _ => (),
                };
                let () = value;
                7
            }

            fn trait_object(name: String) -> Box<dyn Fn() -> Box<dyn std::fmt::Debug>> {
                Box::new(move || {
                    $library::fail_point!(&name, |value| Box::new(value));
                    Box::new(())
                })
            }

            fn generic<T: Default + From<u8>, const N: usize>() -> [T; N] {
                $library::fail_point!("forms-generic", |_| [(); N].map(|()| T::from(9)));
                [(); N].map(|()| T::default())
            }

            /// # Safety
            ///
            /// None is needed.
            unsafe fn in_unsafe() -> bool {
                $library::fail_point!("forms-unsafe", |_| true);
                false
            }

            fn with_a_named_function() -> usize {
                fn given(value: Option<String>) -> usize {
                    value.map_or(0, |value| value.len())
                }
                $library::fail_point!("forms-function", given);
                usize::MAX
            }

            struct Store {
                writes: usize,
            }

            impl Store {
                fn write(&mut self, limit: usize) -> Result<usize, (usize, String)> {
                    $library::fail_point!("forms-store", self.writes >= limit, |reason| {
                        self.writes += 100;
                        Err((self.writes, reason.unwrap()))
                    });
                    self.writes += 1;
                    Ok(self.writes)
                }
            }

            mod nothing {
                #![no_implicit_prelude]
                // What `fail`'s own macro takes from the prelude.
                #[allow(unused_imports)]
                use ::std::{option::Option::Some, panic};
                pub(super) fn in_a_module_without_a_prelude() -> ::std::primitive::u8 {
                    ::$library::fail_point!("forms-no-prelude");
                    ::$library::fail_point!("forms-no-prelude", |_| 1);
                    ::$library::fail_point!("forms-no-prelude", true, |_| 2);
                    0
                }
            }

            #[test]
            fn every_form_compiles_and_does_its_work() {
                let (scenario, _alone) = scenario();
                let all = many_types("forms-run-time");
                assert_eq!(all, (String::new(), vec![Some(1), Some(1)], 0, Ok(())));
                cfg("forms-text", "1*return(x)");
                cfg("forms-option", "1*return");
                cfg("forms-number", "return(5)");
                cfg("forms-run-time", "return(e)");
                let all = many_types("forms-run-time");
                assert_eq!(all, ("x".into(), vec![None, Some(1)], 5, Err("e".into())));

                assert_eq!(diverging(), 7);
                for name in ["forms-never", "forms-unreachable", NAME] {
                    cfg(name, "1*return");
                    assert!(std::panic::catch_unwind(diverging).is_err(), "{name}");
                }
                assert_eq!(diverging(), 7);

                let object = trait_object("forms-object".to_owned());
                assert_eq!(format!("{:?}", object()), "()");
                cfg("forms-object", "return(o)");
                assert_eq!(format!("{:?}", object()), "Some(\"o\")");

                assert_eq!(generic::<u16, 2>(), [0, 0]);
                cfg("forms-generic", "return");
                assert_eq!((generic::<u16, 2>(), generic::<u64, 1>()), ([9, 9], [9]));

                // SAFETY: the function needs nothing.
                assert!(!unsafe { in_unsafe() });
                cfg("forms-unsafe", "return");
                // SAFETY: as above.
                assert!(unsafe { in_unsafe() });

                cfg("forms-function", "return(four)");
                assert_eq!(with_a_named_function(), 4);

                let mut store = Store { writes: 0 };
                cfg("forms-store", "return(full)");
                assert_eq!(store.write(1), Ok(1));
                assert_eq!(store.write(1), Err((101, "full".to_owned())));
                assert_eq!(store.write(1_000), Ok(102));

                assert_eq!(nothing::in_a_module_without_a_prelude(), 0);
                cfg("forms-no-prelude", "1*off->1*off->return");
                assert_eq!(nothing::in_a_module_without_a_prelude(), 2);
                scenario.teardown();
            }

            #[test]
            fn functions_take_what_they_took() {
                let (scenario, _alone) = scenario();
                // Owned, borrowed, and what turns into either.
                $library::cfg(String::from("forms-names"), "off").unwrap();
                $library::cfg('f', &String::from("off")).unwrap();
                $library::cfg_callback(std::borrow::Cow::Borrowed("forms-callback"), || {})
                    .unwrap();
                $library::remove(&String::from("f"));
                $library::remove(&"forms-names");
                let list: Vec<(String, String)> = $library::list();
                assert_eq!(list, [("forms-callback".to_owned(), "callback".to_owned())]);
                let guard: Result<$library::FailGuard, String> =
                    $library::FailGuard::new("forms-guard", "return(1)");
                let second = $library::FailGuard::with_callback("forms-guard-2", || {}).unwrap();
                assert_eq!(
                    $library::eval("forms-guard", |v| v),
                    Some(Some("1".to_owned()))
                );
                assert_eq!($library::eval("forms-guard-2", |v| v), None);
                drop((guard, second));
                assert_eq!($library::list().len(), 1);
                const ON: bool = $library::has_failpoints();
                const { assert!(ON) };
                scenario.teardown();
                assert!($library::list().is_empty());
            }
        }
    };
}

forms!(real);
forms!(fail);
