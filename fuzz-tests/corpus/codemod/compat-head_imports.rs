//! Imports of modules that only served the paths of Neon's macros go with them.

pub mod alone {
    use crate::neon;

    pub async fn run() {
        neon::sleep_millis_async!("head-alone");
    }
}

pub mod grouped {
    use crate::neon::{self, pausable_failpoint};
    use std::{fmt, sync::Arc};

    pub async fn run(text: Arc<dyn fmt::Debug + Send + Sync>) -> String {
        pausable_failpoint!("head-grouped");
        neon::sleep_millis_async!("head-grouped-sleep");
        format!("{text:?}")
    }
}

pub mod renamed {
    use crate::neon as points;

    pub async fn run() {
        points::pausable_failpoint!("head-renamed");
    }
}

pub mod still_named {
    use crate::neon;

    pub async fn run() {
        neon::pausable_failpoint!("head-named");
    }

    pub mod below {
        use super::neon::pausable_failpoint as unseen;

        macro_rules! hidden {
            ($name:literal) => {
                unseen!($name)
            };
        }

        pub async fn run() {
            hidden!("head-below");
        }
    }
}

pub mod another_name {
    use crate::neon::sleep_millis_async as sleeps;

    pub async fn run() {
        sleeps!("head-another-name");
    }
}

pub mod own {
    use crate::neon;

    pub async fn run() {
        neon::pausable_failpoint!("head-own");
    }

    pub mod below {
        use crate::neon;

        pub async fn run() {
            neon::pausable_failpoint!("head-own-below");
        }
    }
}

pub mod nested {
    use crate::{
        head_imports::renamed,
        neon::{self, pausable_failpoint},
    };

    pub async fn run() {
        pausable_failpoint!("head-nested");
        neon::sleep_millis_async!("head-nested-sleep");
        renamed::run().await;
    }
}

pub mod three {
    use crate::{head_imports::alone, neon::{self, pausable_failpoint}, head_imports::grouped};

    pub async fn run() {
        pausable_failpoint!("head-three");
        neon::sleep_millis_async!("head-three-sleep");
        alone::run().await;
        grouped::run(std::sync::Arc::new(1)).await;
    }
}

pub mod through {
    use super::through_this;

    pub async fn run() {
        through_this::pausable_failpoint!("head-through");
        super::through_this::pausable_failpoint!("head-through-again");
    }
}

pub mod through_this {
    pub(crate) use crate::neon::pausable_failpoint;
}

#[tokio::test]
async fn all_of_them_run() {
    alone::run().await;
    assert_eq!(grouped::run(std::sync::Arc::new(1)).await, "1");
    renamed::run().await;
    still_named::run().await;
    still_named::below::run().await;
    another_name::run().await;
    nested::run().await;
    three::run().await;
    through::run().await;
    own::run().await;
    own::below::run().await;
}
