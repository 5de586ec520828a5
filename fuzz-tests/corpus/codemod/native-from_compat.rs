//! Sites that were moved to the shim's async macro first, and imports that go with them.

pub mod alone {
    use fail::async_fail_point;

    pub async fn run() -> u32 {
        async_fail_point!("native-compat", |_| 0);
        1
    }
}

pub mod first {
    use fail::{async_fail_point, cfg};

    pub async fn run() -> u32 {
        cfg("native-first", "return").unwrap();
        async_fail_point!("native-first", |_| 0);
        1
    }
}

pub mod both {
    use fail::{async_fail_point, cfg, fail_point};

    pub async fn run() -> u32 {
        cfg("native-both", "return").unwrap();
        async_fail_point!("native-not-both");
        fail_point!("native-both", |_| 0);
        1
    }
}

#[tokio::test]
async fn all_of_them_return() {
    fail::cfg("native-compat", "return").unwrap();
    assert_eq!(alone::run().await + first::run().await + both::run().await, 0);
}
