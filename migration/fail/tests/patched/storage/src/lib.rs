//! A store whose call sites are `fail`'s, in the ways its users write them.

#[macro_use(fail_point)]
extern crate fail;

/// The macro for the crates above this one.
pub use fail::fail_point as store_fail_point;

/// What a user's own macro makes of `eval`.
#[macro_export]
macro_rules! fail_if {
    ($name:expr, $error:expr) => {
        if let Some(error) = fail::eval($name, |_| $error) {
            return Err(error);
        }
    };
}

/// Where a write may fail.
pub const WRITE: &str = "storage::write";

/// Writes, unless told otherwise.
pub fn write(bytes: usize) -> Result<usize, String> {
    fail_point!(WRITE, bytes > 10, |value: Option<String>| Err(
        value.unwrap_or_default()
    ));
    fail_point!("storage::before-sync");
    fail_if!("storage::sync", String::from("sync"));
    Ok(bytes)
}

/// A generic function with a constant.
pub fn read<const N: usize>() -> [u8; N] {
    fail::fail_point!("storage::read", |_| [1; N]);
    [0; N]
}

/// A function that a failpoint ends for good.
pub fn close() -> u32 {
    fail_point!("storage::close", |_| panic!("closed twice"));
    0
}
