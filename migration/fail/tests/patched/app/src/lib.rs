//! A program in the middle of its migration: call sites of `fail`, of its async macro, and
//! native ones, on one table.

/// Still synchronous.
pub fn flush() -> Result<usize, String> {
    storage::store_fail_point!("app::flush", |_| Err("flush".to_owned()));
    storage::write(100)
}

/// Migrated: one token of the call site changed.
pub async fn commit() -> Result<usize, String> {
    fail::async_fail_point!("app::commit", |value| Err(value.unwrap_or_default()));
    flush()
}

/// Native.
pub async fn compact() -> Result<usize, String> {
    neon_failpoint::fail_point!("app::compact", Err);
    commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn every_site_obeys_either_api() {
        let scenario = fail::FailScenario::setup();
        assert_eq!(compact().await, Ok(100));
        if !fail::has_failpoints() {
            // The table is there all the same, but no macro looks into it.
            fail::cfg("app::flush", "return").unwrap();
            assert_eq!(
                fail::list(),
                [("app::flush".to_owned(), "return".to_owned())]
            );
            assert_eq!(compact().await, Ok(100));
            assert_eq!(fail::eval("app::flush", |value| value), Some(None));
            return scenario.teardown();
        }
        for (name, error) in [
            ("app::compact", "x"),
            ("app::commit", "x"),
            ("app::flush", "flush"),
            (storage::WRITE, "x"),
            ("storage::sync", "sync"),
        ] {
            fail::cfg(name, "1*return(x)").unwrap();
            assert_eq!(compact().await, Err(error.to_owned()), "{name}");
            neon_failpoint::configure_failpoint(name, "1*return(x)").unwrap();
            assert_eq!(compact().await, Err(error.to_owned()), "{name}");
            assert_eq!(compact().await, Ok(100), "{name}");
        }
        assert_eq!(storage::write(5), Ok(5));
        fail::cfg("storage::read", "return").unwrap();
        assert_eq!(storage::read::<3>(), [1; 3]);
        scenario.teardown();
        assert_eq!(storage::read::<3>(), [0; 3]);
        assert_eq!(storage::close(), 0);
    }
}
