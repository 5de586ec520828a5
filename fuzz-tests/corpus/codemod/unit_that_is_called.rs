async fn f() { pausable_failpoint!("x") (|| { fail::fail_point!("x") })(); (|| { #![allow(unused)] fail::fail_point!("x"); })(); }
