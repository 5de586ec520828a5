//! Imports of the crate that only served the paths of rewritten sites go with them.

pub mod alias {
    use fail as points;

    pub async fn run() -> u32 {
        points::fail_point!("native-head-alias", |_| 0);
        1
    }
}

pub mod grouped {
    use fail::{self, cfg};

    pub async fn run() -> u32 {
        cfg("native-head-alias", "return").unwrap();
        fail::fail_point!("native-head-alias", |_| 0);
        1
    }
}

pub mod used {
    use fail as points;

    pub async fn run() -> u32 {
        points::cfg("native-head-alias", "return").unwrap();
        points::fail_point!("native-head-alias", |_| 0);
        1
    }
}

pub mod nested {
    use {
        fail::{self, fail_point},
        std::fmt,
    };

    pub async fn run() -> Result<u32, fmt::Error> {
        fail::fail_point!("native-head-alias", |_| Ok(0));
        fail_point!("native-head-alias", |_| Ok(0));
        Ok(1)
    }
}

#[tokio::test]
async fn all_of_them_return() {
    assert_eq!(used::run().await + alias::run().await + grouped::run().await, 0);
    assert_eq!(nested::run().await, Ok(0));
}
