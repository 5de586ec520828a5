//! A scan of `failpoint-migrate`, beside nothing but the parser.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use std::{fs, io};

use failpoint_migrate::decide::{NotSend, Target, Wishes};
use failpoint_migrate::project::Project;
use failpoint_migrate::report::Report;
use failpoint_migrate::scan;
use failpoint_migrate::table::{self, Tense};

use super::{Row, package, scratch};
use neon_failpoint_benches::measure::{Effort, in_turns};
use neon_failpoint_benches::report::Limit::AtMost;
use neon_failpoint_benches::report::Line;

pub(super) const SCAN: Row = Row {
    name: "scan",
    about: "ms for a scan of 1,000 files by failpoint-migrate, and for syn to read and parse them",
    run: scan,
};

/// Folders with a `mod.rs`, and files beside each of those: with `lib.rs`, 1,000 files.
const FOLDERS: usize = 27;
const BESIDE: usize = 36;

/// Every so many of the files beside a `mod.rs` have failpoints.
const EVERY: usize = 4;

fn scan(effort: Effort) -> Result<Vec<Line>, String> {
    let tree = Tree::write(effort.rounds(FOLDERS))?;
    let report = scanned(&tree.folder)?;
    if report.sites.len() != tree.sites || !report.unparsed.is_empty() {
        let (found, unparsed) = (report.sites.len(), report.unparsed.len());
        return Err(format!(
            "{found} of {} failpoints were found, and {unparsed} files do not parse",
            tree.sites
        ));
    }
    let threads = thread::available_parallelism().map_or(1, |count| count.get());
    // A column cannot fail: that it failed shows at the end.
    let trouble = Mutex::new(None);
    let timed = |work: &dyn Fn() -> Result<(), String>| {
        let start = Instant::now();
        if let Err(e) = work() {
            *trouble.lock().expect("nobody panics with it") = Some(e);
        }
        start.elapsed()
    };
    let columns: [&mut dyn FnMut() -> Duration; 3] = [
        &mut || timed(&|| parsed(&tree.files, 1)),
        &mut || timed(&|| parsed(&tree.files, threads)),
        &mut || timed(&|| scanned(&tree.folder).map(drop)),
    ];
    let values = in_turns(effort.rounds(31), columns).map(|time| time / 1e6);
    if let Some(e) = trouble.into_inner().expect("nobody panicked with it") {
        return Err(e);
    }
    let [_, syn, ours] = values;
    let many = format!("syn, {threads} threads");
    let names = ["syn, 1 thread", many.as_str(), "scan"];
    Ok(vec![
        Line::new("files", Some(tree.files.len()), "ms")
            .columns(names.into_iter().zip(values))
            // On as many threads as the scan has: with fewer, that would be held to less.
            .bar("times syn on as many threads", ours / syn, AtMost(1.5)),
    ])
}

/// What `failpoint-migrate scan FOLDER` does, but for its command line and the printing.
fn scanned(folder: &Path) -> Result<Report, String> {
    let wishes = Wishes {
        target: Target::Compat,
        wrappers: Default::default(),
        not_send: NotSend::Tried,
    };
    let project = Project::read(&[folder.to_owned()], &[], &|_, _| ());
    let project = project.map_err(|e| e.to_string())?;
    let report = scan::scan(&project, &wishes);
    black_box(table::table(&report, Tense::Can, None));
    black_box(table::remarks(&report));
    Ok(report)
}

/// Reads and parses all files, and drops each syntax tree.
fn parsed(files: &[PathBuf], threads: usize) -> Result<(), String> {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let text = fs::read_to_string(path).map_err(|e| said(path, &e))?;
            black_box(syn::parse_file(&text).map_err(|e| said(path, &e))?);
            // Its text is kept for the thread's life otherwise: the scan does this, too.
            proc_macro2::extra::invalidate_current_thread_spans();
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut results = threads.into_iter().map(|thread| thread.join());
        results.try_for_each(|result| result.map_err(|_| "the parser panicked".to_owned())?)
    })
}

/// A package of many files.
struct Tree {
    folder: PathBuf,
    files: Vec<PathBuf>,
    /// How many failpoints it has.
    sites: usize,
}

impl Tree {
    fn write(folders: usize) -> Result<Self, String> {
        let name = "scan-tree";
        // Of an earlier version of this row.
        if let Err(e) = fs::remove_dir_all(scratch()?.join(name)) {
            if e.kind() != io::ErrorKind::NotFound {
                return Err(format!("cannot remove {name}: {e}"));
            }
        }
        let root = modules("The tree that a scan is measured on.", "part", folders);
        let folder = package(name, "2021", "fail = \"0.5.1\"", "lib.rs", &root)?;
        let mut tree = Self {
            files: vec![folder.join("src/lib.rs")],
            folder,
            sites: 0,
        };
        for part in 0..folders {
            let folder = tree.folder.join(format!("src/part_{part}"));
            fs::create_dir_all(&folder).map_err(|e| said(&folder, &e))?;
            let about = format!("Part {part}, and what it is made of.");
            tree.add(
                folder.join("mod.rs"),
                &modules(&about, "segment", BESIDE),
                0,
            )?;
            for segment in 0..BESIDE {
                let number = part * BESIDE + segment;
                let (text, sites) = file(number);
                tree.add(folder.join(format!("segment_{segment}.rs")), &text, sites)?;
            }
        }
        Ok(tree)
    }

    fn add(&mut self, path: PathBuf, text: &str, sites: usize) -> Result<(), String> {
        fs::write(&path, text).map_err(|e| said(&path, &e))?;
        self.files.push(path);
        self.sites += sites;
        Ok(())
    }
}

fn said(path: &Path, error: &dyn std::fmt::Display) -> String {
    format!("{}: {error}", path.display())
}

/// A file that declares the modules of a folder.
fn modules(about: &str, name: &str, count: usize) -> String {
    let declared = (0..count).map(|i| format!("pub mod {name}_{i};\n"));
    format!("//! {about}\n\n{}", declared.collect::<String>())
}

/// A file of code, and how many failpoints it has. Their lengths differ.
fn file(number: usize) -> (String, usize) {
    let has_sites = number % EVERY == 0;
    let import = ["", "use fail::fail_point;\n"][usize::from(has_sites)];
    let site = |text: &str| match has_sites {
        true => format!("\n        {text}"),
        false => String::new(),
    };
    let text = TYPE
        .replace("/*import*/", import)
        .replace("/*read*/", &site("fail_point!(\"segment-read-NUMBER\");"))
        .replace(
            "/*append*/",
            &site("fail_point!(\"segment-append-NUMBER\", |_| Err(Error::Full));"),
        )
        .replace("/*flush*/", &site("fail_point!(\"segment-flush-NUMBER\");"));
    let functions = (0..number % 5 + 1).map(|i| FUNCTION.replace("INDEX", &i.to_string()));
    let text = text + &functions.collect::<String>();
    let text = text.replace("NUMBER", &number.to_string());
    (text, if has_sites { 3 } else { 0 })
}

const TYPE: &str = r#"//! Segment NUMBER: records by key, in memory until they are flushed.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex};

/*import*/
/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// There is no such key.
    Missing(String),
    /// There is no room.
    Full,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Missing(key) => write!(f, "segment NUMBER has no {key}"),
            Error::Full => f.write_str("segment NUMBER is full"),
        }
    }
}

impl std::error::Error for Error {}

/// Segment NUMBER.
#[derive(Debug, Default)]
pub struct SegmentNUMBER {
    records: BTreeMap<String, Vec<u8>>,
    pending: Arc<Mutex<HashMap<String, Vec<u8>>>>,
    limit: usize,
}

impl SegmentNUMBER {
    /// An empty segment.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// The record of a key.
    pub fn read(&self, key: &str) -> Result<&[u8], Error> {/*read*/
        match self.records.get(key) {
            Some(record) if !record.is_empty() => Ok(record),
            _ => Err(Error::Missing(key.to_owned())),
        }
    }

    /// Adds a record, to be flushed later.
    pub async fn append(&self, key: &str, record: Vec<u8>) -> Result<usize, Error> {/*append*/
        let length = record.len();
        if length > self.limit {
            return Err(Error::Full);
        }
        {
            let mut pending = self.pending.lock().unwrap();
            pending.insert(key.to_owned(), record);
        }
        self.settle(length).await;
        Ok(length)
    }

    /// Moves what is pending to the records, and says how many those were.
    pub async fn flush(&mut self) -> Result<usize, Error> {/*flush*/
        let pending = std::mem::take(&mut *self.pending.lock().unwrap());
        let mut count = 0;
        for (key, record) in pending {
            if self.records.len() >= self.limit {
                return Err(Error::Full);
            }
            self.settle(record.len()).await;
            self.records.insert(key, record);
            count += 1;
        }
        Ok(count)
    }

    async fn settle(&self, length: usize) {
        let share = length.checked_div(self.limit).unwrap_or(0);
        std::future::ready(share).await;
    }
}
"#;

const FUNCTION: &str = r#"
/// Sums up the lengths of the records whose keys begin with a prefix, by their first letters.
pub fn lengths_INDEX(segment: &SegmentNUMBER, prefix: &str) -> BTreeMap<char, usize> {
    let mut lengths = BTreeMap::new();
    let records = segment.records.iter();
    for (key, record) in records.filter(|(key, _)| key.starts_with(prefix)) {
        let Some(first) = key.chars().next() else {
            continue;
        };
        let weight = match record.as_slice() {
            [] => 0,
            [_] => 1,
            [first, .., last] if first == last => record.len() * 2 - 1,
            longer => longer.len() + INDEX,
        };
        *lengths.entry(first).or_insert(0) += weight;
    }
    if lengths.values().sum::<usize>() > segment.limit {
        eprintln!("segment {} holds {} letters", NUMBER, lengths.len());
    }
    lengths
}
"#;
