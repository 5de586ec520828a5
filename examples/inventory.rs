//! Prints what `list_failpoints` knows as a table, while tasks and a thread stand at some of
//! this program's failpoints.
//!
//! ```text
//! cargo run --example inventory --features testing
//! ```
//!
//! With `FAILPOINTS='cache-lookup=off'` in front, one more is configured.

use std::error::Error;
use std::fmt;
use std::thread;

use neon_failpoint::{
    FailpointInfo, arm, arm_with_context, fail_point, fail_point_sync, fail_point_with_context,
    failpoint_context, list_failpoints,
};

// The program that is looked at.

async fn upload(tenant: &str) -> Result<(), String> {
    fail_point_with_context!("upload", &failpoint_context! { "tenant" => tenant }, Err);
    Ok(())
}

async fn upload_again(tenant: &str) -> Result<(), String> {
    fail_point_with_context!("upload", &failpoint_context! { "tenant" => tenant }, Err);
    Ok(())
}

fn flush() {
    fail_point_sync!("flush-before-sync");
}

async fn look_up() -> Option<&'static str> {
    fail_point!("cache-lookup", |_| None);
    Some("value")
}

async fn flush_shard(shard: u32) {
    // A name made at run time has no call site that could be listed.
    let name = format!("flush-shard-{shard}");
    fail_point!(&name);
}

// The table.

const HEAD: [&str; 7] = [
    "failpoint",
    "call sites",
    "kind",
    "actions",
    "matchers",
    "hits/fired",
    "total",
];

/// The lines of a failpoint in each column, and its waiters, for below them.
struct Row {
    cells: [Vec<String>; 7],
    waiting: Vec<String>,
}

impl Row {
    fn new(point: &FailpointInfo) -> Self {
        let sites = point.call_sites();
        let kind = |awaits| if awaits { "awaits" } else { "blocks" };
        let matchers = point.matchers().iter();
        // Without a configuration there is nothing to count.
        let counts = |hits, fired| match point.is_configured() {
            true => vec![format!("{hits}/{fired}")],
            false => Vec::new(),
        };
        let totals = point.totals();
        Self {
            cells: [
                vec![point.name().to_owned()],
                sites.iter().map(|site| site.to_string()).collect(),
                sites.iter().map(|s| kind(s.awaits()).to_owned()).collect(),
                point.actions().map(str::to_owned).into_iter().collect(),
                matchers
                    .map(|(key, regex)| format!("{key}={regex}"))
                    .collect(),
                counts(point.hits(), point.fired()),
                counts(totals.hits, totals.fired),
            ],
            waiting: point.waiters().iter().map(|w| w.to_string()).collect(),
        }
    }

    fn width(&self, column: usize) -> usize {
        let lines = self.cells[column].iter();
        lines.map(|line| line.chars().count()).max().unwrap_or(0)
    }

    fn line(&self, number: usize) -> [&str; 7] {
        let lines = self.cells.each_ref();
        lines.map(|lines| lines.get(number).map_or("", String::as_str))
    }
}

struct Table(Vec<Row>);

fn table(points: &[FailpointInfo]) -> Table {
    Table(points.iter().map(Row::new).collect())
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths = HEAD.map(str::len);
        for (column, width) in widths.iter_mut().enumerate() {
            let cells = self.0.iter().map(|row| row.width(column));
            *width = cells.chain([*width]).max().unwrap_or(0);
        }
        let rule = widths.map(|width| "-".repeat(width));
        write_line(f, widths, HEAD)?;
        write_line(f, widths, rule.each_ref().map(|r| r.as_str()))?;
        for row in &self.0 {
            let height = row.cells.iter().map(Vec::len).max().unwrap_or(0);
            for number in 0..height {
                write_line(f, widths, row.line(number))?;
            }
            for waiter in &row.waiting {
                writeln!(f, "  waiting: {waiter}")?;
            }
        }
        Ok(())
    }
}

fn write_line(f: &mut fmt::Formatter<'_>, widths: [usize; 7], cells: [&str; 7]) -> fmt::Result {
    let padded = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!("{cell:width$}"));
    let line: Vec<String> = padded.collect();
    writeln!(f, "{}", line.join("  ").trim_end())
}

// Something to see.

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("Before anything is armed:\n\n{}", table(&list_failpoints()));

    let slow = [("tenant", "acme|globex")];
    let uploads = arm_with_context("upload", "pause", slow)?.must_fire();
    let flushes = arm("flush-before-sync", "1*off->pause")?.must_fire();
    let shards = arm("flush-shard-3", "sleep(3600000)")?.must_fire();

    let acme = tokio::spawn(upload("acme"));
    uploads.wait_until_paused(1).await?;
    let globex = tokio::spawn(upload_again("globex"));
    uploads.wait_until_paused(2).await?;
    // It is not held, but it counts as a hit.
    upload("initech").await?;
    let shard = tokio::spawn(flush_shard(3));
    let thread = thread::spawn(|| {
        flush();
        flush();
    });
    flushes.wait_until_paused(1).await?;
    shards.wait_until_paused(1).await?;
    println!(
        "Somebody stands at three of them:\n\n{}",
        table(&list_failpoints())
    );

    uploads.release_matching([("tenant", "globex")])?;
    // Anew: the thread goes on, and what was counted is only in the last column.
    flushes.configure("off")?;
    assert_eq!(shards.release_all(), 1);
    thread.join().map_err(|_| "the thread panicked")?;
    shard.await?;
    globex.await??;
    flush();
    println!(
        "All but acme were released:\n\n{}",
        table(&list_failpoints())
    );

    assert_eq!(uploads.release_one(), 1);
    acme.await??;
    look_up().await.ok_or("cache-lookup is armed")?;
    drop((uploads, flushes, shards));
    let is_armed = list_failpoints().iter().any(FailpointInfo::is_configured);
    println!("Guards dropped; armed: {is_armed}");
    Ok(())
}
