//! A backup of several tenants' files, one tokio task per tenant, with failpoints in
//! its way: some tenants fail, a task is held and looked at, sleepers are woken an
//! hour early, a task is cancelled. What it prints it has checked.
//!
//! ```text
//! cargo run --example context_demo --features testing
//! ```
//!
//! Where the environment variable FAILPOINTS is set, the program makes one plain
//! backup under what it says, and reports what became of each tenant:
//!
//! ```text
//! FAILPOINTS='backup-copy=when(tenant=acme)return(disk full)' \
//!     cargo run --example context_demo --features testing
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};
use std::{env, fs, io, process};

use neon_failpoint::{
    FailpointInfo, configure_failpoint, configure_failpoint_with_context, fail_point_with_context,
    failpoint_context, list_failpoints, pausable_failpoint, remove_failpoint, sleep_millis_async,
    wait_until_paused,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const TENANTS: [&str; 4] = ["acme", "globex", "test_1", "test_2"];
const FILES: [&str; 2] = ["ledger.db", "notes.txt"];

/// A step that takes longer has gone wrong.
const PATIENCE: Duration = Duration::from_secs(30);

// The program under test, with three failpoints.

#[derive(Clone)]
struct Tenant {
    name: &'static str,
    from: PathBuf,
    to: PathBuf,
    cancel: CancellationToken,
}

impl Tenant {
    async fn back_up(&self) -> Result<()> {
        tokio::fs::create_dir_all(&self.to).await?;
        for file in FILES {
            sleep_millis_async!("backup-throttle", &self.cancel).await;
            let partial = self.to.join(format!("{file}.partial"));
            let done = self.back_up_file(file, &partial).await;
            if done.is_err() {
                // It may not exist. The error to report is the one that led here.
                let _ = tokio::fs::remove_file(partial).await;
            }
            done?;
        }
        Ok(())
    }

    /// Copies to `partial` first: what has its own name is complete.
    async fn back_up_file(&self, file: &str, partial: &Path) -> Result<()> {
        tokio::fs::copy(self.from.join(file), partial).await?;
        // The context is built only while the failpoint is armed.
        fail_point_with_context!(
            "backup-copy",
            &failpoint_context! { "tenant" => self.name, "file" => file },
            |reason| Err(reason.into())
        );
        let held = pausable_failpoint!("backup-before-rename", &self.cancel).await;
        held.map_err(|()| "cancelled")?;
        Ok(tokio::fs::rename(partial, self.to.join(file)).await?)
    }
}

/// A backup of one tenant at work.
struct Task {
    tenant: Tenant,
    handle: JoinHandle<Result<()>>,
}

/// Starts a task for each tenant. Other threads run them from now on: a failpoint that
/// is meant for them is armed before this is called.
fn start_backup(root: &Path, name: &str) -> Vec<Task> {
    let start = |tenant| {
        let tenant = Tenant {
            name: tenant,
            from: root.join("source").join(tenant),
            to: root.join(name).join(tenant),
            cancel: CancellationToken::new(),
        };
        let moved = tenant.clone();
        let handle = tokio::spawn(async move { moved.back_up().await });
        Task { tenant, handle }
    };
    TENANTS.map(start).into()
}

const COMPLETE: &str = "complete";

/// What became of a backup: "complete", or its error. A panic is one, too.
async fn outcome(handle: JoinHandle<Result<()>>) -> String {
    match handle.await {
        Ok(Ok(())) => COMPLETE.to_owned(),
        Ok(Err(e)) => e.to_string(),
        Err(panic) => panic.to_string(),
    }
}

/// Waits for all tasks. Each must end as expected, with a copy that is the same byte
/// for byte, or with nothing left over.
async fn finish<const N: usize>(backup: Vec<Task>, expected: [&str; N]) -> Result<()> {
    let mut line = Vec::new();
    for (Task { tenant, handle }, expected) in backup.into_iter().zip(expected) {
        let ended = tokio::time::timeout(PATIENCE, outcome(handle)).await;
        let outcome = ended.map_err(|_| format!("{} does not end", tenant.name))?;
        line.push(format!("{}: {outcome}", tenant.name));
        let copy = contents(&tenant.to)?;
        let in_order = match outcome == COMPLETE {
            true => copy == contents(&tenant.from)?,
            false => copy.is_empty(),
        };
        check(in_order && outcome == expected, &line.join(", "))?;
    }
    println!("   {}", line.join(", "));
    Ok(())
}

// What failpoints let one do to it.

/// A failure, but only where the context matches.
async fn fail_some(root: &Path) -> Result<()> {
    println!("1. backup-copy fails for the tenants that match test_.*");
    let matchers = [("tenant", "test_.*")];
    configure_failpoint_with_context("backup-copy", "return(disk full)", matchers)?;
    let backup = start_backup(root, "failures");
    finish(backup, [COMPLETE, COMPLETE, "disk full", "disk full"]).await?;
    remove_failpoint("backup-copy");
    Ok(())
}

/// A task is held where it stands, so that one can look around.
async fn hold_one(root: &Path) -> Result<()> {
    println!("2. backup-copy holds one task at one file");
    let pause = "when(tenant=acme, file=ledger.db)pause";
    configure_failpoint("backup-copy", pause)?;
    let backup = start_backup(root, "held");

    let point = wait_for_waiters("backup-copy", 1).await?;
    let context = point.waiters()[0].context();
    let context = context.ok_or("the waiter has no context")?;
    let is_acme = context.get("tenant") == Some("acme");
    say(is_acme, &format!("waiting there: {context}"))?;
    let files = contents(&backup[0].tenant.to)?.into_keys();
    let between = files.eq(["ledger.db.partial"]);
    say(between, "there is ledger.db.partial, and no ledger.db")?;

    // The task continues. The new action is for later hits, and none of them matches.
    let later = "when(tenant=acme, file=ledger.db)return(too late)";
    configure_failpoint("backup-copy", later)?;
    println!("   reconfigured:");
    finish(backup, [COMPLETE; 4]).await?;
    remove_failpoint("backup-copy");
    Ok(())
}

/// A sleep lasts no longer than the configuration it comes from.
async fn wake_early(root: &Path) -> Result<()> {
    println!("3. backup-throttle lets all tasks sleep for an hour");
    configure_failpoint("backup-throttle", "sleep(3600000)")?;
    let backup = start_backup(root, "slow");
    let point = wait_for_waiters("backup-throttle", 4).await?;
    remove_failpoint("backup-throttle");
    finish(backup, [COMPLETE; 4]).await?;
    let slept = point.waiters()[0].since().elapsed();
    let early = slept < Duration::from_secs(3600);
    say(early, &format!("removed, and all over after {slept:.0?}"))
}

/// A task that is cancelled leaves its failpoint; the others stay.
async fn cancel_one(root: &Path) -> Result<()> {
    println!("4. backup-before-rename holds all tasks, and globex is cancelled");
    configure_failpoint("backup-before-rename", "pause")?;
    let mut backup = start_backup(root, "cancelled");
    wait_for_waiters("backup-before-rename", 4).await?;
    let globex = backup.remove(1);
    globex.tenant.cancel.cancel();
    finish(vec![globex], ["cancelled"]).await?;
    let point = wait_for_waiters("backup-before-rename", 3).await?;
    let wait = point.waiters().len() == 3;
    say(wait, "3 tasks still wait; now the failpoint is removed:")?;
    remove_failpoint("backup-before-rename");
    finish(backup, [COMPLETE; 3]).await
}

async fn run_clean(root: &Path) -> Result<()> {
    println!("5. No failpoint is armed; all copies are compared byte by byte");
    check(configured().is_empty(), "all are removed")?;
    finish(start_backup(root, "clean"), [COMPLETE; 4]).await
}

/// One plain backup under what FAILPOINTS says.
async fn run_as_told(root: &Path) -> Result<()> {
    for point in configured() {
        let actions = point.actions().unwrap_or_default();
        println!("FAILPOINTS: {} = {actions}", point.name());
    }
    let rescue = tokio::spawn(let_go_after(Duration::from_secs(5)));
    for Task { tenant, handle } in start_backup(root, "as-told") {
        let outcome = outcome(handle).await;
        let is_same = contents(&tenant.to)? == contents(&tenant.from)?;
        let copy = if is_same { "identical" } else { "not complete" };
        println!("{}: {outcome}; the copy is {copy}", tenant.name);
    }
    rescue.abort();
    for point in configured() {
        let (name, hits, fired) = (point.name(), point.hits(), point.fired());
        println!("{name}: {hits} hits, acted on {fired}");
    }
    println!("Failpoints here: backup-throttle, backup-before-rename,");
    println!("backup-copy (with the context keys tenant and file)");
    Ok(())
}

/// Removes failpoints that hold a task for too long: nobody else is there to do it.
async fn let_go_after(patience: Duration) {
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        for point in list_failpoints() {
            let mut waiters = point.waiters().iter();
            if waiters.any(|waiter| waiter.since().elapsed() > patience) {
                let name = point.name();
                println!("{name}: removed, it held a task for {patience:?}");
                remove_failpoint(name);
            }
        }
    }
}

// What all this needs.

/// The failpoints that are configured, of all that are compiled in.
fn configured() -> Vec<FailpointInfo> {
    let points = list_failpoints().into_iter();
    points.filter(FailpointInfo::is_configured).collect()
}

/// Waits until `count` tasks stand at the failpoint. What it is like then.
async fn wait_for_waiters(name: &str, count: usize) -> Result<FailpointInfo> {
    wait_until_paused(name, count).await?;
    let mut points = list_failpoints().into_iter();
    let point = points.find(|point| point.name() == name);
    Ok(point.ok_or_else(|| format!("{name} is not listed"))?)
}

/// Prints a line if what it says is true; else it is the error.
fn say(is_true: bool, line: &str) -> Result<()> {
    check(is_true, line)?;
    println!("   {line}");
    Ok(())
}

fn check(is_true: bool, what: &str) -> Result<()> {
    let checked = is_true.then_some(());
    checked.ok_or_else(|| format!("not as it should be: {what}").into())
}

/// The files of a folder, by name.
fn contents(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut contents = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        contents.insert(name, fs::read(entry.path())?);
    }
    Ok(contents)
}

/// A new folder, removed with all that is in it when this is dropped. (The action
/// `exit` ends the process as a crash would: then the folder stays.)
struct TempFolder(PathBuf);

impl TempFolder {
    fn with_source() -> Result<Self> {
        let now = UNIX_EPOCH.elapsed()?.as_nanos();
        let name = format!("context_demo-{}-{now}", process::id());
        let path = env::temp_dir().join(name);
        fs::create_dir(&path)?;
        let folder = Self(path);
        for tenant in TENANTS {
            let source = folder.0.join("source").join(tenant);
            fs::create_dir_all(&source)?;
            for (file, lines) in FILES.into_iter().zip([20_000, 10]) {
                let line = format!("{file} of {tenant}\n");
                fs::write(source.join(file), line.repeat(lines))?;
            }
        }
        Ok(folder)
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        if let Err(e) = fs::remove_dir_all(&self.0) {
            eprintln!("{} was not removed: {e}", self.0.display());
        }
    }
}

/// When this returns, the runtime is gone, and with it every task.
#[tokio::main(flavor = "multi_thread", worker_threads = 4)]
async fn run(root: &Path) -> Result<()> {
    if !configured().is_empty() {
        return run_as_told(root).await;
    }
    fail_some(root).await?;
    hold_one(root).await?;
    wake_early(root).await?;
    cancel_one(root).await?;
    run_clean(root).await
}

fn demo() -> Result<()> {
    // Shows what the action `print` prints, and warnings about misspelled names.
    let log = tracing_subscriber::fmt().with_writer(io::stderr);
    log.without_time().init();
    // Without this, a bad FAILPOINTS would end the process at the first use instead.
    neon_failpoint::init()?;
    let root = TempFolder::with_source()?;
    run(&root.0)
}

fn main() -> ExitCode {
    // An error that `main` returns would be printed as its `Debug`.
    match demo() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("context_demo: {e}");
            ExitCode::FAILURE
        }
    }
}
