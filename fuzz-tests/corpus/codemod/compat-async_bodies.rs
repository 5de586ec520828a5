//! The innermost body decides: async blocks and async closures, in sync code, too.

use std::future::Future;

pub fn block(n: u32) -> impl Future<Output = u32> {
    async move {
        fail::fail_point!("async-block", |_| 0);
        n
    }
}

pub async fn in_closure(numbers: &[u32]) -> u32 {
    let mut sum = 0;
    for future in numbers.iter().map(|n| async move {
        fail::fail_point!("async-in-closure", |_| 0);
        *n
    }) {
        sum += future.await;
    }
    sum
}

pub async fn closure() -> u32 {
    let double = async |n: u32| {
        fail::fail_point!("async-closure", |_| 0);
        n * 2
    };
    double(4).await
}

pub async fn spawned() -> u32 {
    tokio::spawn(async move {
        fail::fail_point!("async-spawned", |_| 0);
        5
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn each_body_returns_for_itself() {
    assert_eq!(block(1).await, 1);
    assert_eq!(in_closure(&[1, 2]).await, 3);
    assert_eq!(closure().await, 8);
    assert_eq!(spawned().await, 5);
    for name in ["async-block", "async-in-closure", "async-closure", "async-spawned"] {
        fail::cfg(name, "return").unwrap();
    }
    assert_eq!(block(1).await, 0);
    assert_eq!(in_closure(&[1, 2]).await, 0);
    assert_eq!(closure().await, 0);
    assert_eq!(spawned().await, 0);
}
