//! Imports of which a scope needs both names, alone and in braces.

pub mod alone {
    use fail::fail_point;

    pub async fn run() -> u32 {
        fail_point!("import-both-alone", |_| 0);
        blocking()
    }

    pub fn blocking() -> u32 {
        fail_point!("import-both-blocking", |_| 1);
        2
    }
}

pub mod group {
    use fail::{cfg, fail_point};

    pub async fn run() -> u32 {
        cfg("import-both-group", "return").unwrap();
        fail_point!("import-both-group", |_| 3);
        4
    }

    pub fn blocking() -> u32 {
        fail_point!("import-both-group-blocking", |_| 5);
        6
    }
}

pub mod only_new {
    use fail::{cfg, fail_point};

    pub async fn run() -> u32 {
        cfg("import-both-new", "return").unwrap();
        fail_point!("import-both-new", |_| 7);
        8
    }
}

#[tokio::test]
async fn all_of_them_return() {
    assert_eq!(alone::run().await, 2);
    fail::cfg("import-both-alone", "return").unwrap();
    fail::cfg("import-both-blocking", "return").unwrap();
    assert_eq!((alone::run().await, alone::blocking()), (0, 1));
    assert_eq!((group::run().await, group::blocking()), (3, 6));
    assert_eq!(only_new::run().await, 7);
}
