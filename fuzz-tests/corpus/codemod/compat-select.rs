//! Bodies of `select!` branches, and what stands in `join!` and `vec!`.

pub async fn pick() -> u32 {
    tokio::select! {
        biased;
        n = async { 1 }, if true => {
            fail::fail_point!("select-body", |_| 10);
            n
        }
        _ = std::future::pending::<()>() => 2,
        else => 3,
    }
}

pub async fn join() -> u32 {
    let (a, b) = tokio::join!(
        async {
            fail::fail_point!("select-join", |_| 20);
            1
        },
        async { 2 },
    );
    let more = vec![async {
        fail::fail_point!("select-vec", |_| 30);
        3
    }];
    let mut sum = a + b;
    for future in more {
        sum += future.await;
    }
    sum
}

#[tokio::test]
async fn what_stands_in_them_returns() {
    assert_eq!((pick().await, join().await), (1, 6));
    fail::cfg("select-body", "return").unwrap();
    fail::cfg("select-join", "return").unwrap();
    fail::cfg("select-vec", "return").unwrap();
    assert_eq!((pick().await, join().await), (10, 52));
}
