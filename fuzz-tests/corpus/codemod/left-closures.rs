//! Sync closures in async functions.
//~ in a sync closure that is passed to `map`
//~ in a sync closure that is passed to `thread::spawn`
//~ in a sync closure that is stored in `later`
//~ in a sync closure that is stored in `hook`
//~ in a sync closure that is stored in `self.hook`
//~ in the closure of another failpoint
//~ called in place, but it has arguments
//~ called in place, but it names its return type
//~ called in place, but it names its return type
//~ in a sync closure

use std::thread;

pub struct Hooks {
    hook: Box<dyn Fn()>,
}

impl Hooks {
    pub async fn run(&mut self, numbers: &[u32]) -> u32 {
        let sum = numbers.iter().map(|n| {
            fail::fail_point!("map", |_| 0);
            *n
        });
        thread::spawn(|| fail::fail_point!("thread"));
        let later = || fail::fail_point!("later");
        later();
        let hooks = Hooks2 {
            hook: || fail::fail_point!("field"),
        };
        self.hook = || fail::fail_point!("assigned");
        neon_failpoint::fail_point!("outer", |_| {
            fail::fail_point!("inner", |_| 1);
            2
        });
        (|n: u32| {
            fail::fail_point!("arguments");
        })(3);
        (|| -> u32 {
            fail::fail_point!("typed", |_| 1);
            2
        })();
        let bare = || -> bool {
            fail::fail_point!("bare", |_| true);
            false
        }();
        return (|| fail::fail_point!("returned"), sum).1.sum();
    }
}
