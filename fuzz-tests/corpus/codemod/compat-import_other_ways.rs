//! A renamed import, a glob, an alias of the crate, a public import, one of an import.
#![allow(dead_code)]

pub mod renamed {
    use fail::fail_point as fp;

    pub async fn run() -> u32 {
        fp!("ways-renamed", |_| 0);
        1
    }
}

pub mod glob {
    use fail::*;

    pub async fn run() -> u32 {
        cfg("ways-glob", "return").unwrap();
        fail_point!("ways-glob", |_| 0);
        1
    }
}

pub mod alias {
    use fail as points;

    pub async fn run() -> u32 {
        points::fail_point!("ways-alias", |_| 0);
        1
    }
}

pub mod public {
    pub use fail::fail_point;

    pub async fn run() -> u32 {
        fail_point!("ways-public", |_| 0);
        1
    }

    pub fn blocking() {
        fail_point!("ways-public-blocking");
    }
}

pub mod again {
    use super::public::fail_point;

    pub async fn run() -> u32 {
        fail_point!("ways-again", |_| 0);
        1
    }
}

pub mod hidden {
    pub mod fail {
        pub use ::fail::fail_point;
    }

    pub async fn run() -> u32 {
        fail::fail_point!("ways-hidden", |_| 0);
        1
    }

    pub fn blocking() {
        fail::fail_point!("ways-hidden-blocking");
    }
}

#[tokio::test]
async fn all_of_them_return() {
    for name in ["renamed", "alias", "public", "again", "hidden"] {
        fail::cfg(format!("ways-{name}"), "return").unwrap();
    }
    assert_eq!(renamed::run().await + glob::run().await + alias::run().await, 0);
    assert_eq!(public::run().await + again::run().await + hidden::run().await, 0);
}
