//! The project's own failpoint.

/// A place where a test may crash the server.
macro_rules! crash_point {
    ($name:literal) => {
        fail::fail_point!($name, |_| panic!("crashed at {}", $name))
    };
}
