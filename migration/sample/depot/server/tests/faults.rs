//! What the server does when things go wrong.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use server::Server;
use utils::failpoint_support::{apply_failpoint, init};

fn server(name: &str) -> Server {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    Server::open(&folder).unwrap()
}

#[tokio::test]
async fn a_refused_value_is_not_stored() {
    let scenario = init();
    let server = server("refused");
    apply_failpoint("ingest-begin", "1*return(too busy)").unwrap();
    let refused = server.ingest("acme", "a", "1").await;
    assert_eq!(refused, Err("too busy".to_owned()));
    server.ingest("acme", "a", "1").await.unwrap();
    assert_eq!(server.count().await, 1);
    assert_eq!(server.keys().await, ["acme/a"]);
    scenario.teardown();
}

#[tokio::test]
async fn every_write_is_noticed() {
    let scenario = init();
    let server = server("noticed");
    let stored = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&stored);
    let notice = move || {
        count.fetch_add(1, Ordering::SeqCst);
    };
    fail::cfg_callback("ingest-stored", notice).unwrap();
    server.ingest("acme", "a", "1").await.unwrap();
    assert_eq!(stored.load(Ordering::SeqCst), 1);
    scenario.teardown();
}

#[tokio::test]
async fn a_key_may_be_too_long() {
    let scenario = init();
    let server = server("long");
    let short = fail::FailGuard::new("longest-key", "return(2)").unwrap();
    server.ingest("acme", "abc", "1").await.unwrap_err();
    drop(short);
    server.ingest("acme", "abc", "1").await.unwrap();
    scenario.teardown();
}

#[tokio::test]
async fn one_tenants_uploads_fail() {
    let scenario = init();
    let server = server("tenant");
    fail::cfg("upload-acme", "return(no space)").unwrap();
    let failed = server.upload("acme", &["ab"]).await;
    assert_eq!(failed, Err("no space".to_owned()));
    assert_eq!(server.upload("zeta", &["ab"]).await, Ok(2));
    scenario.teardown();
}

#[tokio::test]
async fn a_later_part_is_refused() {
    let scenario = init();
    let server = server("part");
    fail::cfg("upload-part", "return").unwrap();
    assert_eq!(server.upload("acme", &["ab"]).await, Ok(2));
    let failed = server.upload("acme", &["ab", "c"]).await;
    assert_eq!(failed, Err("part 1 was refused".to_owned()));
    scenario.teardown();
}

#[tokio::test]
async fn a_crash_after_an_upload_is_a_panic_of_the_task() {
    let scenario = init();
    let server = server("crash");
    fail::cfg("upload-done", "return").unwrap();
    let upload = tokio::spawn(async move { server.upload("acme", &["ab"]).await });
    assert!(upload.await.unwrap_err().is_panic());
    scenario.teardown();
}

#[tokio::test]
async fn a_stopped_server_leaves_a_paused_compaction() {
    let scenario = init();
    let server = server("paused");
    server.ingest("acme", "a", "1").await.unwrap();
    apply_failpoint("compact-begin", "pause").unwrap();
    let rounds = server.keep_small();
    server.stop().await;
    assert_eq!(rounds.await.unwrap(), 0);
    assert_eq!(
        server.checksum().await,
        "acme/a".bytes().map(u64::from).sum()
    );
    scenario.teardown();
}

#[tokio::test]
async fn a_slow_stop_is_a_stop() {
    let scenario = init();
    let server = server("slow");
    apply_failpoint("stop-slow", "return(1)").unwrap();
    apply_failpoint("stop-flush", "return").unwrap();
    let rounds = server.keep_small();
    server.stop().await;
    rounds.await.unwrap();
    assert_eq!(server.count().await, 0);
    scenario.teardown();
}
