//! The store: memory, and the tables that it was flushed to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::wal::{pairs, Wal};
use fail::fail_point;

/// A store in a folder of its own.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    wal: Wal,
    memory: BTreeMap<String, String>,
    tables: Vec<PathBuf>,
}

impl Store {
    /// Opens the store, with what its write-ahead file holds.
    pub fn open(folder: &Path) -> io::Result<Store> {
        fs::create_dir_all(folder)?;
        let wal = Wal::open(&folder.join("wal"))?;
        let mut tables = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|end| end == "table") {
                tables.push(path);
            }
        }
        tables.sort();
        Ok(Store {
            folder: folder.to_owned(),
            memory: wal.replay()?.into_iter().collect(),
            wal,
            tables,
        })
    }

    /// Stores a value.
    pub fn put(&mut self, key: &str, value: &str) -> io::Result<()> {
        self.wal.append(key, value)?;
        self.memory.insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    /// Everything, the latest value of each key.
    pub fn all(&self) -> io::Result<BTreeMap<String, String>> {
        let mut all = BTreeMap::new();
        for table in &self.tables {
            all.extend(pairs(table)?);
        }
        all.extend(self.memory.clone());
        Ok(all)
    }

    /// Writes memory to a new table.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.memory.is_empty() {
            return Ok(());
        }
        let number = self.tables.len();
        self.write_table(number, &self.memory.clone())?;
        self.memory.clear();
        self.wal.clear()
    }

    /// Makes one table of all of them; says how many it was.
    pub fn compact(&mut self) -> io::Result<usize> {
        let old = std::mem::take(&mut self.tables);
        let mut merged = BTreeMap::new();
        let read = old.iter().try_for_each(|table| {
            fail_point!("compact-table", |_| Err(io::Error::other("unreadable")));
            merged.extend(pairs(table)?);
            Ok(())
        });
        if let Err(error) = read {
            self.tables = old;
            return Err(error);
        }
        for table in &old {
            fs::remove_file(table)?;
        }
        self.write_table(0, &merged)?;
        Ok(old.len())
    }

    fn write_table(&mut self, number: usize, rows: &BTreeMap<String, String>) -> io::Result<()> {
        let path = self.folder.join(format!("{number:04}.table"));
        let unfinished = path.with_extension("tmp");
        let rows = rows.iter().map(|(key, value)| format!("{key}={value}\n"));
        fs::write(&unfinished, rows.collect::<String>())?;
        fail_point!("table-before-rename", |_| Err(io::Error::other("crashed")));
        fs::rename(&unfinished, &path)?;
        self.tables.push(path);
        Ok(())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        fail_point!("store-drop");
        let _ = self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::Store;

    #[test]
    fn values_survive_a_flush_a_compaction_and_a_restart() {
        let folder = std::env::temp_dir().join(format!("engine-{}", std::process::id()));
        let mut store = Store::open(&folder).unwrap();
        store.put("a", "1").unwrap();
        store.flush().unwrap();
        store.put("b", "2").unwrap();
        store.flush().unwrap();
        assert_eq!(store.compact().unwrap(), 2);
        store.put("a", "3").unwrap();
        drop(store);
        let all = Store::open(&folder).unwrap().all().unwrap();
        assert_eq!((&*all["a"], &*all["b"]), ("3", "2"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
