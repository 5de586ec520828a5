//! Only the bytes that must change do, whatever stands around them.

use crate::common;

fn becomes(before: &str, after: &str) {
    let folder = common::sketch(&[("src/lib.rs", before)]);
    assert_eq!(common::rewritten(folder.path(), &[], "src/lib.rs"), after);
}

#[test]
fn a_byte_order_mark_stays() {
    becomes(
        "\u{feff}async fn f() { fail::fail_point!(\"x\"); }\n",
        "\u{feff}async fn f() { fail::async_fail_point!(\"x\"); }\n",
    );
}

#[test]
fn a_shebang_stays_and_shifts_nothing() {
    becomes(
        "#!/usr/bin/env run-cargo-script ä\nasync fn f() { fail::fail_point!(\"x\"); }\n",
        "#!/usr/bin/env run-cargo-script ä\nasync fn f() { fail::async_fail_point!(\"x\"); }\n",
    );
    becomes(
        "\u{feff}#!/bin/x\r\nasync fn f() { fail::fail_point!(\"x\"); }",
        "\u{feff}#!/bin/x\r\nasync fn f() { fail::async_fail_point!(\"x\"); }",
    );
}

#[test]
fn an_inner_attribute_is_no_shebang() {
    becomes(
        "#! /* why */ [allow(dead_code)]\nasync fn f() { fail::fail_point!(\"x\"); }\n",
        "#! /* why */ [allow(dead_code)]\nasync fn f() { fail::async_fail_point!(\"x\"); }\n",
    );
}

#[test]
fn line_ends_of_windows_stay() {
    becomes(
        "use fail::fail_point as fp;\r\n\r\nasync fn f() -> u8 {\r\n\t(|| {\r\n\t\tfp!(\"x\", |_| 1);\r\n\t\t2\r\n\t})()\r\n}\r\n",
        "\r\nasync fn f() -> u8 {\r\n\t(async {\r\n\t\tfail::async_fail_point!(\"x\", |_| 1);\r\n\t\t2\r\n\t})\r\n\t.await\r\n}\r\n",
    );
}

#[test]
fn text_of_several_bytes_a_character_stays() {
    becomes(
        "/* äöü 日本 */ async fn f() { let _é = \"😀\"; fail /* ß */ :: fail_point ! (\"名\") ; } // ö\n",
        "/* äöü 日本 */ async fn f() { let _é = \"😀\"; fail /* ß */ :: async_fail_point ! (\"名\") ; } // ö\n",
    );
}

#[test]
fn columns_count_characters() {
    let folder = common::sketch(&[(
        "src/lib.rs",
        "\u{feff}async fn f() { let _é = \"😀\"; fail::fail_point!(\"x\"); }\n",
    )]);
    let report = common::scan(folder.path());
    assert_eq!(report["sites"][0]["line"], 1);
    assert_eq!(report["sites"][0]["column"], 30);
}

#[cfg(unix)]
#[test]
fn a_files_mode_and_a_symbolic_link_stay() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = common::sketch(&[("src/lib.rs", "async fn f() { fail::fail_point!(\"x\"); }\n")]);
    let real = folder.path().join("real.rs");
    let link = folder.path().join("src/lib.rs");
    std::fs::rename(&link, &real).expect("moved");
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o750)).expect("mode set");
    std::os::unix::fs::symlink("../real.rs", &link).expect("linked");

    common::rewritten(folder.path(), &[], "src/lib.rs");
    assert!(common::read(&real).contains("async_fail_point"));
    assert!(link.is_symlink());
    let mode = std::fs::metadata(&real)
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o750);
}
