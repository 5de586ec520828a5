//! Failpoints for async code, on `fail`: the blocking hit runs on a thread of its own.

use std::time::Duration;

use fail::FailScenario;

/// Begins a scenario, with what FAILPOINTS says.
pub fn init() -> FailScenario<'static> {
    FailScenario::setup()
}

/// Configures a failpoint; `exit` ends the process.
pub fn apply_failpoint(name: &str, actions: &str) -> Result<(), String> {
    if actions == "exit" {
        fail::cfg_callback(name, || std::process::exit(1))
    } else {
        fail::cfg(name, actions)
    }
}

/// A failpoint that `pause` does not block a worker of the runtime at. With a token its
/// value is a `Result`, an `Err(())` where the token was cancelled meanwhile.
#[macro_export]
macro_rules! pausable_failpoint {
    ($name:literal) => {{
        if cfg!(feature = "failpoints") {
            ::tokio::task::spawn_blocking(|| {
                ::tracing::info!("at failpoint {}", $name);
                ::fail::fail_point!($name);
            })
            .await
            .expect("failpoint panicked");
        }
    }};
    ($name:literal, $cancel:expr) => {{
        if cfg!(feature = "failpoints") {
            let hit = ::tokio::task::spawn_blocking(|| {
                ::tracing::info!("at failpoint {}", $name);
                ::fail::fail_point!($name);
            });
            ::tokio::select! {
                done = hit => done.map_err(|_| ()),
                () = $cancel.cancelled() => Err(()),
            }
        } else {
            Ok(())
        }
    }};
}

/// A failpoint that `return(MILLISECONDS)` makes sleep.
#[macro_export]
macro_rules! sleep_millis_async {
    ($name:literal) => {{
        if cfg!(feature = "failpoints") {
            if let Some(time) = $crate::failpoint_support::time_to_sleep($name) {
                ::tokio::time::sleep(time).await;
            }
        }
    }};
    ($name:literal, $cancel:expr) => {{
        if cfg!(feature = "failpoints") {
            if let Some(time) = $crate::failpoint_support::time_to_sleep($name) {
                ::tokio::select! {
                    () = ::tokio::time::sleep(time) => {}
                    () = $cancel.cancelled() => {}
                }
            }
        }
    }};
}

#[doc(hidden)]
pub fn time_to_sleep(name: &str) -> Option<Duration> {
    let millis = fail::eval(name, |millis| millis)??;
    let millis = millis.parse().expect("a sleep is a number of milliseconds");
    Some(Duration::from_millis(millis))
}
