//! Twin functions: the same with a macro and without, to be built without `testing`.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use neon_failpoint::{compat, fail_point, fail_point_sync, fail_point_with_context_sync};
use neon_failpoint::failpoint_context;

#[unsafe(no_mangle)]
pub fn sync_with(x: &mut u64) -> u64 {
    *x += 1;
    fail_point_sync!("twins-sync");
    *x * 3
}

#[unsafe(no_mangle)]
pub fn sync_without(x: &mut u64) -> u64 {
    *x += 1;
    *x * 3
}

#[unsafe(no_mangle)]
pub fn closure_with(x: &mut u64) -> Result<u64, String> {
    *x += 2;
    fail_point_sync!("twins-closure", |reason| Err(reason));
    Ok(*x * 5)
}

#[unsafe(no_mangle)]
pub fn closure_without(x: &mut u64) -> Result<u64, String> {
    *x += 2;
    Ok(*x * 5)
}

#[unsafe(no_mangle)]
pub fn context_with(x: &mut u64) -> u64 {
    *x += 3;
    fail_point_with_context_sync!("twins-context", &failpoint_context! { "x" => *x });
    *x * 7
}

#[unsafe(no_mangle)]
pub fn context_without(x: &mut u64) -> u64 {
    *x += 3;
    *x * 7
}

#[unsafe(no_mangle)]
pub fn compat_with(x: &mut u64) -> u64 {
    *x += 4;
    compat::fail_point!("twins-compat", |value| value.map_or(0, |v| v.len() as u64));
    *x * 11
}

#[unsafe(no_mangle)]
pub fn compat_without(x: &mut u64) -> u64 {
    *x += 4;
    *x * 11
}

fn poll<T>(future: impl Future<Output = T>) -> Option<T> {
    let size = size_of_val(&future);
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) if size < 1024 => Some(value),
        _ => None,
    }
}

#[unsafe(no_mangle)]
pub fn await_with(x: &mut u64) -> Option<u64> {
    poll(async {
        *x += 5;
        fail_point!("twins-await");
        std::future::ready(()).await;
        fail_point!("twins-await-closure", |_| 0);
        *x * 13
    })
}

#[unsafe(no_mangle)]
pub fn await_without(x: &mut u64) -> Option<u64> {
    poll(async {
        *x += 5;
        std::future::ready(()).await;
        *x * 13
    })
}
