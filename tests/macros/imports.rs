//! Proves that the macros work however they are imported, reexported, or wrapped.

use crate::common::{assert_stats, now};

/// Proves that two hits of `$name` are made by `$hit`.
macro_rules! work {
    ($($test:ident: $name:literal, $hit:block;)*) => {
        $(#[test]
        fn $test() {
            let _alone = neon_failpoint::isolate();
            neon_failpoint::configure_failpoint($name, "off").unwrap();
            now(async $hit);
            assert_stats($name, (2, 2, 0));
        })*
    };
}

mod glob {
    use neon_failpoint::*;

    pub(super) async fn hits() {
        fail_point!("macros-import-glob");
        // The function and the macro have one name.
        let _ = failpoint("macros-import-glob", None).await;
    }
}

mod own_wrapper {
    /// As a project wraps the macro to have one place for it.
    macro_rules! by_expr {
        ($name:expr) => {
            ::neon_failpoint::fail_point!($name)
        };
        ($name:expr, $($rest:expr),+) => {
            ::neon_failpoint::fail_point!($name, $($rest),+)
        };
    }
    macro_rules! by_literal {
        ($name:literal $(, $e:expr)?) => {
            ::neon_failpoint::fail_point!($name $(, $e)?)
        };
    }
    macro_rules! by_tokens {
        ($($arg:tt)*) => {
            ::neon_failpoint::fail_point!($($arg)*)
        };
    }
    macro_rules! by_ident {
        ($prefix:literal, $name:ident) => {
            ::neon_failpoint::fail_point!(concat!($prefix, "-", stringify!($name)))
        };
    }
    macro_rules! twice {
        ($name:expr) => {
            by_expr!($name);
            by_expr!($name)
        };
    }
    pub(super) use {by_expr, by_ident, by_literal, by_tokens, twice};
}

work! {
    work_by_path: "macros-import-path", {
        neon_failpoint::fail_point!("macros-import-path");
        ::neon_failpoint::fail_point_sync!("macros-import-path");
    };
    work_by_use: "macros-import-use", {
        use neon_failpoint::{fail_point, fail_point_sync};
        fail_point!("macros-import-use");
        fail_point_sync!("macros-import-use");
    };
    work_by_use_under_another_name: "macros-import-as", {
        use neon_failpoint::{fail_point as fp, fail_point_sync as fps};
        fp!("macros-import-as");
        fps!("macros-import-as");
    };
    work_by_glob: "macros-import-glob", { glob::hits().await };
    work_by_another_modules_reexport: "macros-import-reexport", {
        use super::reexports::sync_point;
        super::reexports::fail_point!("macros-import-reexport");
        sync_point!("macros-import-reexport", |_| ());
    };
    work_by_a_reexported_name_that_is_macro_and_function: "macros-import-both", {
        use super::reexports::failpoint;
        let _ = failpoint!("macros-import-both").await;
        let _ = failpoint("macros-import-both", None).await;
    };
    work_by_macro_use_of_a_renamed_crate: "macros-import-macro-use", {
        fail_point!("macros-import-macro-use");
        fail_point_sync!("macros-import-macro-use", |_| ());
    };
    work_by_path_of_a_renamed_crate: "macros-import-renamed", {
        crate::renamed::fail_point!("macros-import-renamed");
        let _ = crate::renamed::failpoint!("macros-import-renamed").await;
    };
    work_in_a_wrapper_that_takes_expressions: "macros-wrapper-expr", {
        use own_wrapper::by_expr;
        by_expr!("macros-wrapper-expr");
        by_expr!(&String::from("macros-wrapper-expr"), true, |_| ());
    };
    work_in_a_wrapper_that_takes_literals: "macros-wrapper-literal", {
        use own_wrapper::by_literal;
        by_literal!("macros-wrapper-literal");
        by_literal!("macros-wrapper-literal", |_| ());
    };
    work_in_a_wrapper_that_takes_tokens: "macros-wrapper-tokens", {
        use own_wrapper::by_tokens;
        by_tokens!("macros-wrapper-tokens",);
        by_tokens!("macros-wrapper-tokens", true, |_| ());
    };
    work_in_a_wrapper_that_takes_identifiers: "macros-wrapper-ident", {
        use own_wrapper::by_ident;
        by_ident!("macros-wrapper", ident);
        by_ident!("macros-wrapper", ident);
    };
    work_in_a_wrapper_of_a_wrapper: "macros-wrapper-twice", {
        use own_wrapper::{by_expr, twice};
        twice!("macros-wrapper-twice");
    };
}
