//! `#[macro_use]` brings both names.

#[macro_use]
extern crate fail;

mod inner {
    pub(crate) async fn run() -> u32 {
        fail_point!("macro-use", |_| 0);
        1
    }
}

#[tokio::test]
async fn it_returns() {
    fail::cfg("macro-use", "return").unwrap();
    assert_eq!(inner::run().await, 0);
}
