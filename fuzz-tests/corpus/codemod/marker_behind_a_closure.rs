async fn f() { for x in y { (|| { let r = 1; fail::fail_point!("x");
fail::fail_point!("x"); })(); } // failpoint-migrate: keep
}
async fn g() {
    (|| { fail::fail_point!("x");
    // failpoint-migrate: keep
    })(); fail::fail_point!("y");
}
