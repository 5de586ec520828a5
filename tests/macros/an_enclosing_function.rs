//! Proves that the function, closure or block around a macro may be of any kind, and that the macro
//! returns from that one.

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
    let _alone = isolate();
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
    let _alone = isolate();
    returns("macros-impl", "why");
    let store = Store { inner: &[1] };
    assert_eq!(now(store.load()), Err("why: [1]".to_owned()));
    assert_eq!(store.load_sync(), Err("why: [1]".to_owned()));
}

#[test]
fn may_be_a_default_method_of_a_trait() {
    let _alone = isolate();
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
    let _alone = isolate();
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
    let _alone = isolate();
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
