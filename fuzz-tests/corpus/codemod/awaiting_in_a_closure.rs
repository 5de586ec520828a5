fn f() { (|| { unsafe { fail::async_fail_point!("x").await } utils::failpoint_support::sleep_millis_async!("y", &cancel); })(); }
