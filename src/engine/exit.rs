//! The end of the process: for the action `exit`, and for a bad value of FAILPOINTS.

use std::io::Write;
use std::sync::Mutex;
use std::thread::{self, ThreadId};

use crate::engine::sync::unpoisoned;

/// Writes to standard error why the process ends, flushes `log`'s logger, and ends the process.
///
/// It writes directly, because a test harness captures what `eprintln!` prints, and the process
/// ends before that would be shown. If two threads come here at once, one line is written.
///
/// It returns only if it is called by the logger that it flushes: the process is ending already.
pub(crate) fn end_process(why: &str, status: i32) {
    static BY: Mutex<Option<ThreadId>> = Mutex::new(None);
    let this = thread::current().id();
    {
        // Only our own code and the standard library's runs under this lock.
        let mut by = unpoisoned(BY.lock());
        match *by {
            Some(thread) if thread == this => return,
            Some(_) => {}
            None => {
                *by = Some(this);
                let mut stderr = std::io::stderr();
                // If this fails, there is nowhere left to report it.
                let _ = writeln!(stderr, "{why}").and_then(|()| stderr.flush());
            }
        }
    }
    log::logger().flush();
    std::process::exit(status);
}
