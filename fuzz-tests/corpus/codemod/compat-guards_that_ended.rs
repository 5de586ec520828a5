//! Guards that are gone before the failpoint, and one that may be held.

use std::sync::Mutex;

pub async fn in_block(counter: &Mutex<u32>) -> u32 {
    {
        let mut guard = counter.lock().unwrap();
        *guard += 1;
    }
    fail::fail_point!("guards-block", |_| 0);
    let now = *counter.lock().unwrap();
    fail::fail_point!("guards-temporary", |_| 0);
    #[allow(let_underscore_lock)]
    let _ = counter.lock().unwrap();
    fail::fail_point!("guards-underscore", |_| 0);
    let unused = counter.lock().unwrap();
    drop(unused);
    fail::fail_point!("guards-unused", |_| 0);
    if *counter.lock().unwrap() > 100 {
        fail::fail_point!("guards-if", |_| 0);
    }
    now
}

struct Shared(*const u32);

// SAFETY: nothing reads through the pointer.
unsafe impl Send for Shared {}

pub async fn declared_send() -> u32 {
    let shared = Shared(std::ptr::null());
    fail::fail_point!("guards-declared", |_| 0);
    drop(shared);
    4
}

pub async fn of_tokio(counter: &tokio::sync::Mutex<u32>) -> u32 {
    let guard = counter.lock().await;
    fail::fail_point!("guards-tokio", |_| 0);
    *guard
}

pub async fn scenario_that_ended() -> u32 {
    let scenario = fail::FailScenario::setup();
    scenario.teardown();
    fail::fail_point!("guards-scenario", |_| 0);
    5
}

fn is_send<F: std::future::Future + Send>(future: F) -> F {
    future
}

#[tokio::test]
async fn the_futures_are_send() {
    let counter = Mutex::new(0);
    assert_eq!(is_send(in_block(&counter)).await, 1);
    let counter = tokio::sync::Mutex::new(2);
    assert_eq!(is_send(of_tokio(&counter)).await, 2);
    assert_eq!(is_send(declared_send()).await, 4);
    // Running it would clear what other tests configure.
    drop(is_send(scenario_that_ended()));
    for name in ["block", "temporary", "underscore", "unused"] {
        fail::cfg(format!("guards-{name}"), "return").unwrap();
        assert_eq!(is_send(in_block(&Mutex::new(0))).await, 0);
        fail::remove(format!("guards-{name}"));
    }
    fail::cfg("guards-tokio", "return").unwrap();
    assert_eq!(is_send(of_tokio(&counter)).await, 0);
}
