//! Proves that every call of the specification (neon-failpoint-library.txt) compiles
//! as it stands there and does what it says there.

use std::cell::RefCell;
use std::future::Future;

use crate::common::{Runtime, assert_stats, info, until_waiting_async};
use neon_failpoint::FailpointResult::{Continue, Return};
use neon_failpoint::{configure_failpoint, failpoint, isolate, remove_failpoint};
use tokio_util::sync::CancellationToken;

thread_local! {
    static PRINTED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Takes the place of the standard one: what an example prints is what it shows.
macro_rules! println {
    ($($arg:tt)*) => {
        PRINTED.with_borrow_mut(|lines| lines.push(format!($($arg)*)))
    };
}

fn printed() -> Vec<String> {
    PRINTED.take()
}

/// Runs an example on a runtime of this thread, in a scope: the examples share names.
fn run<F: Future<Output = ()>>(example: impl FnOnce() -> F) {
    let _alone = isolate();
    Runtime::CurrentThread.build().block_on(example());
}

#[test]
fn supported_actions() {
    run(|| async {
        for actions in [
            "off",
            "pause",
            "sleep(10)",
            "return",
            "return(value)",
            "exit",
        ] {
            configure_failpoint("any", actions).unwrap();
            assert_eq!(info("any").unwrap().actions(), Some(actions));
        }
        configure_failpoint("any", "off").unwrap();
        assert_eq!(failpoint("any", None).await, Continue);
        configure_failpoint("any", "return").unwrap();
        assert_eq!(failpoint("any", None).await, Return(String::new()));
        configure_failpoint("any", "return(value)").unwrap();
        assert_eq!(failpoint("any", None).await, Return("value".to_owned()));
        configure_failpoint("any", "sleep(1)").unwrap();
        assert_eq!(failpoint("any", None).await, Continue);
        remove_failpoint("any");
    });
}

#[test]
fn dynamic_behavior() {
    run(|| async {
        type End = fn();
        let ends: [End; 3] = [
            || configure_failpoint("waits", "return(not_applied)").unwrap(),
            || configure_failpoint("waits", "pause").unwrap(),
            || remove_failpoint("waits"),
        ];
        for actions in ["pause", "sleep(86400000)"] {
            for end in ends {
                configure_failpoint("waits", actions).unwrap();
                let tasks = [(); 3].map(|()| tokio::spawn(failpoint("waits", None)));
                until_waiting_async("waits", 3).await;
                end();
                for task in tasks {
                    assert_eq!(task.await.unwrap(), Continue);
                }
            }
        }
    });
}

/// The first example, which ends with the outcome of its task.
#[test]
#[allow(clippy::let_unit_value)] // As it stands there.
fn example_dynamic_reconfiguration() {
    run(|| async {
        use neon_failpoint::{FailpointResult, configure_failpoint, failpoint};
        use tokio::time::Duration;

        // Start a task that will hit a failpoint
        let task = tokio::spawn(async {
            println!("About to hit failpoint");

            match failpoint("test_pause", None).await {
                FailpointResult::Return(value) => println!("Returned: {}", value),
                FailpointResult::Continue => println!("Continued normally"),
                FailpointResult::Cancelled => println!("Cancelled"),
            }
        });

        // Configure the failpoint to pause
        configure_failpoint("test_pause", "pause").unwrap();

        // Let the task hit the failpoint and pause
        tokio::time::sleep(Duration::from_millis(10)).await;

        // It does: what follows is no race that it could lose.
        assert_stats("test_pause", (1, 1, 1));
        assert!(!task.is_finished());

        // Change the failpoint configuration - this will wake up the paused task
        // The task will resume and continue normally (not apply the new config)
        configure_failpoint("test_pause", "return(not_applied)").unwrap();

        // The task will complete with Continue, not Return
        let result = task.await.unwrap();

        let () = result;
        assert_eq!(printed(), ["About to hit failpoint", "Continued normally"]);
        // The new configuration is for the next hit.
        assert_stats("test_pause", (0, 0, 0));
        let next = failpoint("test_pause", None).await;
        assert_eq!(next, Return("not_applied".to_owned()));
    });
}

#[test]
fn basic_usage() {
    async fn usage() -> u64 {
        use neon_failpoint::{FailpointResult, configure_failpoint, failpoint};

        // Configure a failpoint
        configure_failpoint("my_failpoint", "return(42)").unwrap();

        // Use the failpoint
        match failpoint("my_failpoint", None).await {
            FailpointResult::Return(value) => {
                println!("Failpoint returned: {}", value);
                return value.parse().unwrap_or_default();
            }
            FailpointResult::Continue => {
                // Continue normal execution
            }
            FailpointResult::Cancelled => {
                // Handle cancellation
            }
        }
        0
    }

    run(|| async {
        assert_eq!(usage().await, 42);
        assert_eq!(printed(), ["Failpoint returned: 42"]);
    });
}

#[test]
fn context_specific_failpoints() {
    run(|| async {
        use neon_failpoint::{
            FailpointResult, configure_failpoint_with_context, failpoint, failpoint_context,
        };
        use std::collections::HashMap;

        // Configure a failpoint that only triggers for specific tenants
        let mut context_matchers = HashMap::new();
        context_matchers.insert("tenant_id".to_string(), "test_.*".to_string());
        context_matchers.insert("operation".to_string(), "backup".to_string());

        configure_failpoint_with_context(
            "backup_operation",
            "return(simulated_failure)",
            context_matchers,
        )
        .unwrap();

        // Use with context
        let context = failpoint_context! {
            "tenant_id" => "test_123",
            "operation" => "backup",
        };

        match failpoint("backup_operation", Some(&context)).await {
            FailpointResult::Return(value) => {
                // This will trigger for tenant_id matching "test_.*"
                println!("Backup failed: {}", value);
            }
            FailpointResult::Continue => {
                // Continue with backup
            }
            FailpointResult::Cancelled => {}
        }

        assert_eq!(printed(), ["Backup failed: simulated_failure"]);
        for other in [
            failpoint_context! { "tenant_id" => "prod_123", "operation" => "backup" },
            failpoint_context! { "tenant_id" => "test_123", "operation" => "restore" },
            failpoint_context! { "tenant_id" => "test_123" },
        ] {
            assert_eq!(failpoint("backup_operation", Some(&other)).await, Continue);
        }
    });
}

mod macros {
    use super::*;
    use neon_failpoint::{fail_point, pausable_failpoint, sleep_millis_async};
    use std::num::ParseIntError;

    async fn simple() {
        // Simple failpoint (equivalent to fail::fail_point!)
        fail_point!("my_failpoint");
        println!("went on");
    }

    async fn with_return_value() -> Result<u64, ParseIntError> {
        // Failpoint with return value handling
        #[allow(clippy::needless_return)]
        {
            fail_point!("my_failpoint", |value| {
                println!("Got value: {}", value);
                return Ok(value.parse().unwrap_or_default());
            });
        }
        Ok(0)
    }

    async fn pausable() -> CancellationToken {
        // Pausable failpoint with cancellation
        let cancel_token = CancellationToken::new();
        let cancelled_later = cancel_token.clone();
        tokio::spawn(async move {
            until_waiting_async("pause_here", 1).await;
            cancelled_later.cancel();
        });
        if let Err(()) = pausable_failpoint!("pause_here", &cancel_token).await {
            println!("Failpoint was cancelled");
        }
        cancel_token
    }

    async fn sleeps(cancel_token: CancellationToken) {
        // Sleep failpoint
        sleep_millis_async!("sleep_here", &cancel_token).await;
    }

    #[test]
    fn simple_failpoint() {
        run(|| async {
            configure_failpoint("my_failpoint", "print").unwrap();
            simple().await;
            assert_eq!(printed(), ["went on"]);
            assert_stats("my_failpoint", (1, 1, 0));
            configure_failpoint("my_failpoint", "pause").unwrap();
            let task = tokio::spawn(simple());
            until_waiting_async("my_failpoint", 1).await;
            remove_failpoint("my_failpoint");
            task.await.unwrap();
            assert_eq!(printed(), ["went on"]);
        });
    }

    #[test]
    fn failpoint_with_return_value_handling() {
        run(|| async {
            remove_failpoint("my_failpoint");
            assert_eq!(with_return_value().await, Ok(0));
            configure_failpoint("my_failpoint", "return(42)").unwrap();
            assert_eq!(with_return_value().await, Ok(42));
            assert_eq!(printed(), ["Got value: 42"]);
            configure_failpoint("my_failpoint", "return").unwrap();
            assert_eq!(with_return_value().await, Ok(0));
            assert_eq!(printed(), ["Got value: "]);
        });
    }

    #[test]
    fn pausable_failpoint_with_cancellation() {
        run(|| async {
            configure_failpoint("pause_here", "pause").unwrap();
            pausable().await;
            assert_eq!(printed(), ["Failpoint was cancelled"]);
        });
    }

    #[test]
    fn sleep_failpoint() {
        run(|| async {
            configure_failpoint("sleep_here", "sleep(86400000)").unwrap();
            let cancel_token = CancellationToken::new();
            let task = tokio::spawn(sleeps(cancel_token.clone()));
            until_waiting_async("sleep_here", 1).await;
            cancel_token.cancel();
            task.await.unwrap();
            configure_failpoint("sleep_here", "sleep(1)").unwrap();
            sleeps(CancellationToken::new()).await;
            assert_stats("sleep_here", (1, 1, 0));
        });
    }
}

mod migration {
    use super::*;

    /// Stands for Neon's own crate.
    mod utils {
        pub(super) mod failpoint_support {
            pub(crate) use neon_failpoint::failpoint_support::pausable_failpoint;
        }
    }

    async fn before(cancel_token: CancellationToken) -> Result<(), ()> {
        use utils::failpoint_support::pausable_failpoint;

        pausable_failpoint!("my_failpoint", &cancel_token).await?;
        Ok(())
    }

    async fn after(cancel_token: CancellationToken) -> Result<(), ()> {
        use neon_failpoint::{FailpointResult, failpoint_with_cancellation};

        // This is fully async
        match failpoint_with_cancellation("my_failpoint", None, &cancel_token).await {
            FailpointResult::Continue => {}
            FailpointResult::Cancelled => return Err(()),
            FailpointResult::Return(_) => {}
        }
        Ok(())
    }

    /// Proves that a migrated call site does what it did before, in each outcome.
    fn outcomes<F: Future<Output = Result<(), ()>> + Send + 'static>(
        site: fn(CancellationToken) -> F,
    ) {
        run(|| async move {
            for actions in ["off", "return", "return(x)", "sleep(1)"] {
                configure_failpoint("my_failpoint", actions).unwrap();
                assert_eq!(site(CancellationToken::new()).await, Ok(()), "{actions}");
            }
            for cancelled in [false, true] {
                configure_failpoint("my_failpoint", "pause").unwrap();
                let cancel_token = CancellationToken::new();
                let task = tokio::spawn(site(cancel_token.clone()));
                until_waiting_async("my_failpoint", 1).await;
                if cancelled {
                    cancel_token.cancel();
                } else {
                    remove_failpoint("my_failpoint");
                }
                assert_eq!(task.await.unwrap().is_err(), cancelled);
            }
        });
    }

    #[test]
    fn before_migration() {
        outcomes(before);
    }

    #[test]
    fn after_migration() {
        outcomes(after);
    }
}

/// In a child, because the variable is read once in the life of a process.
#[test]
fn environment_variable_support() {
    const TEST: &str = "spec::environment_variable_support";
    const CHILD: &str = "NEON_FAILPOINT_TEST_SPEC_CHILD";
    if std::env::var_os(CHILD).is_none() {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        let child = child.args([TEST, "--exact"]).env(CHILD, "1").env(
            "FAILPOINTS",
            "failpoint1=return(42);failpoint2=sleep(1000);failpoint3=exit",
        );
        let output = child.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert_eq!(stderr, "failpoint \"failpoint3\": exit\n");
        return;
    }
    Runtime::PausedClock.build().block_on(async {
        assert_eq!(failpoint("failpoint1", None).await, Return("42".to_owned()));
        let start = tokio::time::Instant::now();
        assert_eq!(failpoint("failpoint2", None).await, Continue);
        assert_eq!(start.elapsed(), tokio::time::Duration::from_secs(1));
        let _ = failpoint("failpoint3", None).await;
        unreachable!("it exits");
    });
}
