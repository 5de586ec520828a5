//! Files, read and written by `tokio::fs` and by blocking tasks.

use super::{bug_and_fix, bug_and_fix_with};
use crate::common::spawn_task;
use neon_failpoint::explore::Explorer;
use neon_failpoint::{fail_point, fail_point_sync, failpoint, pausable_failpoint};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use tokio::fs;
use tokio::io::AsyncWriteExt;
use tokio::sync::{Mutex, RwLock};
use tokio::task::{JoinSet, spawn_blocking};

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Arc<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("corpus")
            .join(name);
        std::fs::create_dir_all(&path).unwrap();
        Arc::new(Self(path))
    }

    fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A reader takes a file's name from the manifest, and opens it after a compaction replaced it.
#[test]
fn read_after_rename() {
    bug_and_fix("NotFound", |fixed| async move {
        let folder = Folder::new();
        fs::write(folder.join("1.sst"), "rows").await.unwrap();
        let manifest = Arc::new(RwLock::new("1.sst"));
        let compaction = spawn_task({
            let (folder, manifest) = (folder.clone(), manifest.clone());
            async move {
                fail_point!("compact");
                let mut current = manifest.write().await;
                fs::rename(folder.join("1.sst"), folder.join("2.sst"))
                    .await
                    .unwrap();
                *current = "2.sst";
            }
        });
        let rows = if fixed {
            let current = manifest.read().await;
            fail_point!("sst-open");
            fs::read_to_string(folder.join(*current)).await
        } else {
            let current = *manifest.read().await;
            fail_point!("sst-open");
            fs::read_to_string(folder.join(current)).await
        };
        assert_eq!(rows.unwrap(), "rows");
        compaction.await.unwrap();
    });
}

#[test]
fn one_temporary_name_for_all() {
    async fn save(folder: &Folder, id: usize, fixed: bool) -> std::io::Result<()> {
        let temporary = if fixed {
            format!("state.{id}.tmp")
        } else {
            "state.tmp".to_owned()
        };
        let temporary = folder.join(temporary);
        fs::write(&temporary, format!("state {id}")).await?;
        fail_point!("state-written");
        fs::rename(&temporary, folder.join("state")).await
    }
    bug_and_fix("NotFound", |fixed| async move {
        let folder = Folder::new();
        let (a, b) = tokio::join!(save(&folder, 1, fixed), save(&folder, 2, fixed));
        a.and(b)
    });
}

#[test]
fn file_created_twice() {
    async fn claim(path: PathBuf, owner: &str, fixed: bool) -> bool {
        if fixed {
            fail_point!("claim-write");
            let created = fs::File::create_new(&path).await;
            let Ok(mut file) = created else { return false };
            file.write_all(owner.as_bytes()).await.unwrap();
            file.flush().await.unwrap();
            return true;
        }
        if fs::try_exists(&path).await.unwrap() {
            return false;
        }
        fail_point!("claim-write");
        fs::write(&path, owner).await.unwrap();
        true
    }
    bug_and_fix("two owners", |fixed| async move {
        let folder = Folder::new();
        let mut owners = JoinSet::new();
        for owner in ["ann", "bob"] {
            let path = folder.join("owner");
            owners.spawn(async move { claim(path, owner, fixed).await });
        }
        let claimed = owners.join_all().await;
        assert!(claimed != [true, true], "two owners");
    });
}

#[test]
fn update_lost_in_a_file() {
    bug_and_fix("left: 1", |fixed| async move {
        let folder = Folder::new();
        let path = folder.join("counter");
        std::fs::write(&path, "0").unwrap();
        let lock = Arc::new(Mutex::new(()));
        let mut writers = JoinSet::new();
        for _ in 0..2 {
            let (path, lock) = (path.clone(), lock.clone());
            writers.spawn(async move {
                let _held = if fixed { Some(lock.lock().await) } else { None };
                let read = spawn_blocking({
                    let path = path.clone();
                    move || std::fs::read_to_string(path).unwrap().parse::<u32>()
                });
                let seen = read.await.unwrap().unwrap();
                pausable_failpoint!("counter-read").await.unwrap();
                let write = move || std::fs::write(path, (seen + 1).to_string());
                spawn_blocking(write).await.unwrap().unwrap();
            });
        }
        writers.join_all().await;
        let counter = std::fs::read_to_string(&path).unwrap();
        assert_eq!(counter.parse::<u32>().unwrap(), 2);
    });
}

/// A blocking task leaves its lock file behind when it fails.
#[test]
fn lock_file_left_behind() {
    fn compress(lock: &Path) -> std::io::Result<()> {
        std::fs::File::create_new(lock)?;
        fail_point_sync!("compress", |error| Err(std::io::Error::other(error)));
        std::fs::remove_file(lock)
    }
    let faults = || Explorer::new().faults(1, "return(no space left)");
    bug_and_fix_with(faults, "still locked", |fixed| async move {
        let folder = Folder::new();
        let lock = folder.join("lock");
        let job = spawn_blocking({
            let lock = lock.clone();
            move || {
                let result = compress(&lock);
                if fixed && result.is_err() {
                    std::fs::remove_file(&lock)?;
                }
                result
            }
        });
        let failed = job.await.unwrap().is_err();
        let _ = failpoint!("compress-reported").await;
        assert!(!lock.exists(), "still locked, after a failure: {failed}");
    });
}

/// A thread of `spawn_blocking` that runs async code, and shares a file with a task.
#[test]
fn update_lost_to_a_blocking_thread() {
    async fn add(path: PathBuf, lock: Arc<Mutex<()>>, fixed: bool) {
        let _held = if fixed { Some(lock.lock().await) } else { None };
        let seen: u32 = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        fail_point!("total-read");
        std::fs::write(&path, (seen + 1).to_string()).unwrap();
    }
    bug_and_fix("left: 1", |fixed| async move {
        let folder = Folder::new();
        let path = folder.join("total");
        std::fs::write(&path, "0").unwrap();
        let lock = Arc::new(Mutex::new(()));
        let runtime = tokio::runtime::Handle::current();
        let blocking = spawn_blocking({
            let (path, lock) = (path.clone(), lock.clone());
            move || runtime.block_on(add(path, lock, fixed))
        });
        add(path.clone(), lock, fixed).await;
        blocking.await.unwrap();
        let total = std::fs::read_to_string(&path).unwrap();
        assert_eq!(total.parse::<u32>().unwrap(), 2);
    });
}
