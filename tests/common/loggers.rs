//! Loggers that call a function, of either crate. Each is the process's, for good.

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::reload::{self, Handle};

struct Calls<F>(F);

impl<S: tracing::Subscriber, F: Fn(&tracing::Event<'_>) + 'static> Layer<S> for Calls<F> {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        (self.0)(event);
    }
}

/// Calls `f` at every event of `tracing`.
pub(crate) fn on_event(f: impl Fn(&tracing::Event<'_>) + Send + Sync + 'static) {
    let subscriber = tracing_subscriber::registry().with(Calls(f));
    tracing::subscriber::set_global_default(subscriber).unwrap();
}

/// The same, but of the level that is set by what it returns; of none at first, so that events cost
/// nothing.
pub(crate) fn on_event_of_a_level(
    f: impl Fn(&tracing::Event<'_>) + Send + Sync + 'static,
) -> Handle<LevelFilter, Registry> {
    let (level, handle) = reload::Layer::new(LevelFilter::OFF);
    let subscriber = tracing_subscriber::registry().with(level);
    tracing::subscriber::set_global_default(subscriber.with(Calls(f))).unwrap();
    handle
}

/// Calls `log` at every record of `log`, and `flush` when the logger is flushed.
pub(crate) fn on_record(log: fn(&log::Record<'_>), flush: fn()) {
    struct Calls {
        log: fn(&log::Record<'_>),
        flush: fn(),
    }
    impl log::Log for Calls {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }
        fn log(&self, record: &log::Record<'_>) {
            (self.log)(record);
        }
        fn flush(&self) {
            (self.flush)();
        }
    }

    log::set_boxed_logger(Box::new(Calls { log, flush })).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
}
