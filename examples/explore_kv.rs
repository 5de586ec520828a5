//! A small store of keys and values, with a bug in its recovery and one in its compaction. The explorer
//! finds both without being told where they are, and finds none once they are fixed.
//!
//! ```text
//! cargo run --example explore_kv --features testing,explore
//! ```

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use neon_failpoint::explore::{Explorer, Report};
use neon_failpoint::fail_point;
use tokio::fs::{self, File, OpenOptions};
use tokio::io::AsyncWriteExt;
use tokio::sync::Mutex;

/// The log has a line `key=value` for each change.
struct Store {
    folder: PathBuf,
    state: Mutex<State>,
    is_fixed: bool,
}

struct State {
    values: BTreeMap<String, String>,
    log: File,
}

impl Store {
    /// Opens the store in a folder, and reads what is there.
    async fn open(folder: &Path, is_fixed: bool) -> io::Result<Self> {
        let path = folder.join("log");
        let text = fs::read_to_string(&path).await.unwrap_or_default();
        // The bug in the recovery: the last line may have been cut off by a crash, in the middle of a
        // value. Fixed, only what ends with a line break counts.
        let end = match is_fixed {
            true => text.rfind('\n').map_or(0, |at| at + 1),
            false => text.len(),
        };
        let whole = &text[..end];
        let lines = whole.lines().filter_map(|line| line.split_once('='));
        let values = lines.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let values = values.collect();
        if end < text.len() {
            fs::write(&path, whole).await?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            state: Mutex::new(State {
                values,
                log: append(&path).await?,
            }),
            is_fixed,
        })
    }

    async fn get(&self, key: &str) -> Option<String> {
        self.state.lock().await.values.get(key).cloned()
    }

    async fn put(&self, key: &str, value: &str) -> io::Result<()> {
        let mut state = self.state.lock().await;
        // A large value goes to the disk in parts.
        let (first, rest) = value.split_at(value.len() / 2);
        state
            .log
            .write_all(format!("{key}={first}").as_bytes())
            .await?;
        state.log.flush().await?;
        fail_point!("put-half-written");
        state.log.write_all(format!("{rest}\n").as_bytes()).await?;
        state.log.flush().await?;
        state.values.insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    /// Writes a log that has only the newest values, and puts it in the place of the old one.
    async fn compact(&self) -> io::Result<()> {
        let mut state = self.state.lock().await;
        let lines = state
            .values
            .iter()
            .map(|(key, value)| format!("{key}={value}\n"));
        let text: String = lines.collect();
        // The bug in the compaction: what is put between here and the rename goes to the old log, and is
        // lost. Fixed, the lock is held until the new log is in place.
        if !self.is_fixed {
            drop(state);
            self.replace(&text).await?;
            state = self.state.lock().await;
        } else {
            self.replace(&text).await?;
        }
        state.log = append(&self.folder.join("log")).await?;
        Ok(())
    }

    async fn replace(&self, text: &str) -> io::Result<()> {
        let new = self.folder.join("log.new");
        fs::write(&new, text).await?;
        fail_point!("compact-before-rename");
        fs::rename(&new, self.folder.join("log")).await
    }
}

async fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .await
}

/// Two puts beside a compaction; then the store is opened again.
fn race(folder: &Path, is_fixed: bool) -> Report {
    Explorer::new().run(|| async move {
        let _ = fs::remove_dir_all(folder).await;
        fs::create_dir_all(folder).await?;
        let store = Arc::new(Store::open(folder, is_fixed).await?);
        store.put("a", "before").await?;
        let compacting = tokio::spawn({
            let store = store.clone();
            async move { store.compact().await }
        });
        store.put("a", "after").await?;
        store.put("b", "new").await?;
        compacting.await.expect("no panic")?;
        let again = Store::open(folder, is_fixed).await?;
        assert_eq!(
            again.get("a").await.as_deref(),
            Some("after"),
            "a put is lost"
        );
        assert_eq!(
            again.get("b").await.as_deref(),
            Some("new"),
            "a put is lost"
        );
        Ok::<_, io::Error>(())
    })
}

/// A process that ends at any failpoint must leave a store in which each key has one of its values.
fn crash(is_fixed: bool) -> Report {
    Explorer::new().crashes(
        |folder| async move {
            let store = Store::open(&folder, is_fixed).await?;
            store.put("a", "before").await?;
            store.put("a", "after").await?;
            store.compact().await?;
            store.put("a", "at the end").await
        },
        |folder| async move {
            let store = Store::open(&folder, is_fixed).await?;
            let value = store.get("a").await;
            let may_be = [None, Some("before"), Some("after"), Some("at the end")];
            assert!(may_be.contains(&value.as_deref()), "recovered {value:?}");
            Ok::<_, io::Error>(())
        },
    )
}

fn main() -> io::Result<()> {
    let folder = std::env::temp_dir().join(format!("explore_kv-{}", std::process::id()));
    for is_fixed in [false, true] {
        println!("{}:", if is_fixed { "fixed" } else { "with its bugs" });
        println!("  crashes: {}", crash(is_fixed));
        println!("  schedules: {}", race(&folder, is_fixed));
    }
    match std::fs::remove_dir_all(&folder) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}
