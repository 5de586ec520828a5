//! What the name is, and what it comes through.
//~ `eval` hands its value to the code around it
//~ `eval` hands its value to the code around it
//~ inside the definition of `tries!`
//~ inside the definition of `crash!`
//~ inside the definition of `fail_point!`
//~ `fail_point!` is a macro of this project

pub async fn run() -> Option<String> {
    if let Some(value) = fail::eval("literal", |value| value) {
        return value;
    }
    use fail::*;
    eval("glob", |value| value)?
}
macro_rules! tries {
    ($name:expr) => {
        if let Some(value) = fail::eval($name, |value| value) {
            return value;
        }
    };
}
pub mod hidden {
    pub use fail as __fail;
    #[macro_export]
    macro_rules! crash {
        ($name:expr) => {
            $crate::hidden::__fail::fail_point!($name)
        };
    }
}
pub mod local {
    #[macro_export]
    macro_rules! fail_point {
        ($name:expr) => {
            ::fail::fail_point!($name)
        };
    }
    pub use fail_point;
}
pub async fn through() {
    crate::local::fail_point!("by its module");
}
