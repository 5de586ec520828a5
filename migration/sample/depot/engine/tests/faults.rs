//! What the engine does when its disk fails.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use engine::Store;
use fail::{FailGuard, FailScenario};

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

#[test]
fn a_refused_append_changes_nothing() {
    let scenario = FailScenario::setup();
    let mut store = Store::open(&folder("append")).unwrap();
    fail::cfg("wal-append", "1*return(disk full)").unwrap();
    let error = store.put("a", "1").unwrap_err();
    assert_eq!(error.to_string(), "disk full");
    store.put("b", "2").unwrap();
    assert_eq!(store.all().unwrap().len(), 1);
    scenario.teardown();
}

#[test]
fn each_write_is_synced() {
    let scenario = FailScenario::setup();
    let mut store = Store::open(&folder("synced")).unwrap();
    let synced = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&synced);
    fail::cfg_callback("wal-sync", move || {
        count.fetch_add(1, Ordering::SeqCst);
    })
    .unwrap();
    store.put("a", "1").unwrap();
    store.put("b", "2").unwrap();
    assert_eq!(synced.load(Ordering::SeqCst), 2);
    assert_eq!(
        fail::list(),
        [("wal-sync".to_owned(), "callback".to_owned())]
    );
    fail::remove("wal-sync");
    scenario.teardown();
}

#[test]
fn a_crash_before_the_rename_loses_nothing() {
    let scenario = FailScenario::setup();
    let folder = folder("rename");
    let mut store = Store::open(&folder).unwrap();
    store.put("a", "1").unwrap();
    {
        let _crash = FailGuard::new("table-before-rename", "return").unwrap();
        store.flush().unwrap_err();
        // The drop flushes, and fails like that, too.
        drop(store);
    }
    let store = Store::open(&folder).unwrap();
    assert_eq!(store.all().unwrap()["a"], "1");
    drop(store);
    scenario.teardown();
}

#[test]
fn an_unreadable_table_stops_the_compaction() {
    let scenario = FailScenario::setup();
    let mut store = Store::open(&folder("compact")).unwrap();
    for value in ["1", "2", "3"] {
        store.put("a", value).unwrap();
        store.flush().unwrap();
    }
    fail::cfg("compact-table", "1*off->1*return").unwrap();
    store.compact().unwrap_err();
    assert_eq!(store.compact().unwrap(), 3);
    assert_eq!(store.all().unwrap()["a"], "3");
    scenario.teardown();
}
