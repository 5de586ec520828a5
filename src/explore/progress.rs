//! A line on a terminal, once an exploration takes long.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

const LONG: Duration = Duration::from_secs(1);

pub(super) struct Progress {
    began: Instant,
    /// Hidden by itself where standard error is no terminal.
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            bar: None,
        }
    }

    pub(super) fn show(&mut self, runs: usize, left: usize) {
        // The clock is looked at only now and then.
        if runs % 64 != 0 || (self.bar.is_none() && self.began.elapsed() < LONG) {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) =
                ProgressStyle::with_template("{spinner} exploring: {msg} ({elapsed})")
            {
                bar.set_style(style);
            }
            bar
        });
        bar.set_message(format!("{runs} runs, {left} known to be left"));
        bar.tick();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
