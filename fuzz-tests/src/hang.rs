//! A text on which something never ends cannot fail by itself: the process is ended, and the text said.

use std::process;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// What no text may take, on the slowest of machines.
const PATIENCE: Duration = Duration::from_secs(60);

/// Looks at how long each text takes, for as long as it lives.
#[derive(Debug)]
pub struct Watch {
    running: Arc<Running>,
}

/// The text that is being checked, and since when.
type Running = Mutex<Option<(Instant, Vec<u8>)>>;

impl Watch {
    /// A watch over the target of that name.
    ///
    /// # Panics
    ///
    /// If there is no thread to be had.
    #[must_use]
    pub fn over(target: &'static str) -> Self {
        let running = Arc::new(Running::default());
        let watched = Arc::downgrade(&running);
        let watch = move || look(target, &watched);
        let builder = thread::Builder::new().name(format!("watch over {target}"));
        builder.spawn(watch).expect("a thread");
        Self { running }
    }

    /// Runs `check` on `text`.
    pub fn run<R>(&self, text: &[u8], check: impl FnOnce(&[u8]) -> R) -> R {
        let put = |now| *self.running.lock().unwrap_or_else(PoisonError::into_inner) = now;
        put(Some((Instant::now(), text.to_vec())));
        let result = check(text);
        put(None);
        result
    }
}

fn look(target: &str, watched: &Weak<Running>) {
    while let Some(running) = watched.upgrade() {
        if let Some((since, text)) = &*running.lock().unwrap_or_else(PoisonError::into_inner) {
            if since.elapsed() > PATIENCE {
                let text = String::from_utf8_lossy(text);
                eprintln!("{target}: not done after {PATIENCE:?} with {text:?}");
                process::abort();
            }
        }
        drop(running);
        thread::sleep(Duration::from_secs(1));
    }
}
