//! Imports belong to a scope: a function's body, a module, and modules that look into it.

pub async fn in_body() -> u32 {
    use fail::fail_point;
    fail_point!("scopes-body", |_| 0);
    1
}

pub fn in_other_body() -> u32 {
    use fail::fail_point;
    fail_point!("scopes-other-body", |_| 0);
    1
}

use fail::fail_point;

pub async fn in_file() -> u32 {
    fail_point!("scopes-file", |_| 0);
    1
}

pub mod child {
    use super::*;

    pub async fn through_super() -> u32 {
        fail_point!("scopes-child", |_| 0);
        1
    }
}

#[tokio::test]
async fn all_of_them_return() {
    for name in ["scopes-body", "scopes-other-body", "scopes-file", "scopes-child"] {
        fail::cfg(name, "return").unwrap();
    }
    assert_eq!(in_body().await + in_other_body() + in_file().await, 0);
    assert_eq!(child::through_super().await, 0);
}
