//! A `spawn_blocking` around nothing but a failpoint goes, where a panic stays a panic.

pub async fn run() -> u32 {
    tokio::task::spawn_blocking(|| fail::fail_point!("blocking-unwrap"))
        .await
        .unwrap();
    tokio::task::spawn_blocking(move || {
        fail::fail_point!("blocking-expect");
    })
    .await
    .expect("spawn_blocking");
    1
}

#[allow(unused_must_use)]
pub async fn nobody_looks() -> u32 {
    tokio::task::spawn_blocking(|| fail::fail_point!("blocking-nobody")).await;
    2
}

#[tokio::test]
async fn a_panic_is_one_still() {
    assert_eq!((run().await, nobody_looks().await), (1, 2));
    fail::cfg("blocking-expect", "panic").unwrap();
    assert!(tokio::spawn(run()).await.is_err());
}
