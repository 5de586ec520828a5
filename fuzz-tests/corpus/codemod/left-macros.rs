//! Tokens of other macros, definitions of macros, and names that are not `fail`'s.
//~ inside the tokens of another macro, `println!`
//~ inside the tokens of another macro, `my_select!`
//~ inside the tokens of another macro, `thread_local!`
//~ inside the definition of `wrapper!`
//~ `eval` takes a name that only exists at run time
//~ `fail_parallel::fail_point` is not the macro of `fail`
//~ `fail_point!` is a macro of this project
//~ inside the definition of `fail_point!`
//~ `fail_point!` is a macro of this project
//~ `fail_point` has two meanings

pub async fn tokens(name: &str) {
    println!("{:?}", fail::fail_point!("println"));
    my_select! { a => { fail::fail_point!("select") } }
    thread_local! { static A: u32 = { fail::fail_point!("thread-local"); 1 } }
    macro_rules! wrapper {
        ($name:expr) => {
            fail::fail_point!($name)
        };
    }
    fail::eval(name, |_| ());
    other::eval(name);
}
pub mod parallel {
    use fail_parallel::fail_point;
    pub async fn run() {
        fail_point!(registry(), "parallel");
    }
}
pub mod local {
    pub async fn before() {
        // The definition below is exported: by its path it is there already.
        crate::fail_point!("by-path");
    }
    #[macro_export]
    macro_rules! fail_point {
        ($name:expr) => { fail::fail_point!($name) };
    }
    pub async fn run() {
        fail_point!("local");
    }
}
pub mod two {
    #[cfg(feature = "failpoints")]
    use fail::fail_point;
    #[cfg(not(feature = "failpoints"))]
    use crate::empty::fail_point;
    pub async fn run() {
        fail_point!("two");
    }
}
