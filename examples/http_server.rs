//! A key-value store over HTTP, with a log that is written before anything is changed, and its
//! failpoints beside it: arm one from outside, see the store hang, or die, and look what is left.
//!
//! ```text
//! cargo run --example http_server --features testing,http -- --listen 127.0.0.1:8080
//! ```
//!
//! | call | does |
//! |---|---|
//! | PUT `/kv/{key}` | sets the key to the body |
//! | GET `/kv/{key}` | its value |
//! | DELETE `/kv/{key}` | takes it away |
//!
//! The failpoints are `kv-before-log`, where a `return(reason)` fails the change, `kv-before-apply`,
//! where it is in the log and in memory not yet, and `kv-read`. All have the context `key`. The calls
//! that control them are those of `neon_failpoint::http`; they answer to this machine's own names only, so
//! that no page in a browser gets through.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::{self, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Router, serve};
use neon_failpoint::http::Control;
use neon_failpoint::{fail_point_with_context, failpoint_context};
use serde_json::json;
use tokio::fs::File;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

// The store.

/// The value that a key gets, or `None` where it loses it.
type Change = (String, Option<String>);

struct Store {
    values: RwLock<BTreeMap<String, String>>,
    /// Held until a change is applied, so that both have changes in the same order.
    log: Mutex<File>,
}

impl Store {
    /// Reads the log again. Where a crash has cut off its last line, that change never was.
    async fn open(path: &Path) -> io::Result<Self> {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let mut log = options.open(path).await?;
        let text = tokio::fs::read(path).await?;
        let mut values = BTreeMap::new();
        let mut end = 0;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            if !line.ends_with(b"\n") {
                break;
            }
            let (key, value): Change = serde_json::from_slice(line)?;
            apply(&mut values, key, value);
            end += line.len() as u64;
        }
        log.set_len(end).await?;
        log.seek(io::SeekFrom::End(0)).await?;
        Ok(Self {
            values: RwLock::new(values),
            log: Mutex::new(log),
        })
    }

    async fn get(&self, key: &str) -> Result<Option<String>, String> {
        let context = failpoint_context! { "key" => key };
        fail_point_with_context!("kv-read", &context, Err);
        let values = self.values.read().unwrap_or_else(PoisonError::into_inner);
        Ok(values.get(key).cloned())
    }

    async fn change(&self, (key, value): Change) -> Result<(), String> {
        let context = failpoint_context! { "key" => key };
        let mut line = json!([key, value]).to_string();
        line.push('\n');

        let mut log = self.log.lock().await;
        fail_point_with_context!("kv-before-log", &context, Err);
        let written = async {
            log.write_all(line.as_bytes()).await?;
            log.sync_data().await
        };
        written.await.map_err(|e| format!("cannot write: {e}"))?;
        fail_point_with_context!("kv-before-apply", &context);
        let mut values = self.values.write().unwrap_or_else(PoisonError::into_inner);
        apply(&mut values, key, value);
        Ok(())
    }
}

fn apply(values: &mut BTreeMap<String, String>, key: String, value: Option<String>) {
    match value {
        Some(value) => values.insert(key, value),
        None => values.remove(&key),
    };
}

// Its calls.

type Answer = Result<String, (StatusCode, String)>;

async fn read(store: State<Arc<Store>>, key: extract::Path<String>) -> Answer {
    match store.get(&key).await {
        Ok(Some(value)) => Ok(value),
        Ok(None) => Err((StatusCode::NOT_FOUND, format!("there is no {:?}", *key))),
        Err(reason) => Err((StatusCode::INTERNAL_SERVER_ERROR, reason)),
    }
}

async fn set(store: State<Arc<Store>>, key: extract::Path<String>, value: String) -> Answer {
    change(store, (key.0, Some(value))).await
}

async fn delete(store: State<Arc<Store>>, key: extract::Path<String>) -> Answer {
    change(store, (key.0, None)).await
}

/// In a task of its own: a client that hangs up must not stop a change in the middle.
async fn change(State(store): State<Arc<Store>>, change: Change) -> Answer {
    let task = tokio::spawn(async move { store.change(change).await });
    let result = task.await.unwrap_or_else(|e| Err(e.to_string()));
    let ok = || "ok".to_owned();
    result
        .map(|()| ok())
        .map_err(|reason| (StatusCode::INTERNAL_SERVER_ERROR, reason))
}

// The program.

const USAGE: &str = "\
usage: http_server [--listen ADDRESS] [--log FILE]

  --listen ADDRESS   where to listen, of this machine only [127.0.0.1:8080]
  --log FILE         the log, which is read first [a new one, in the folder for temporary files]";

struct Options {
    listen: SocketAddr,
    log: PathBuf,
}

impl Options {
    /// `None` if help was asked for.
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let name = format!("http_server-{}.log", std::process::id());
        let mut options = Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            log: std::env::temp_dir().join(name),
        };
        while let Some(argument) = arguments.next() {
            let mut value = |what| {
                let value = arguments.next();
                value.ok_or_else(|| format!("{argument} needs {what} behind it"))
            };
            match argument.as_str() {
                "--listen" => {
                    let text = value("an address")?;
                    let address: SocketAddr = text.parse().map_err(|_| {
                        format!(
                            "--listen {text:?} is not an address and a port, as 127.0.0.1:8080 is"
                        )
                    })?;
                    if !address.ip().is_loopback() {
                        return Err(format!(
                            "--listen {text} could be reached from other machines, and whoever \
                             reaches this program can end it; expected 127.0.0.1 or [::1]"
                        ));
                    }
                    options.listen = address;
                }
                "--log" => options.log = value("a file")?.into(),
                "--help" | "-h" => return Ok(None),
                _ => return Err(format!("{argument:?} is no argument of this program")),
            }
        }
        Ok(Some(options))
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)) {
        Ok(None) => println!("{USAGE}"),
        Ok(Some(options)) => {
            if let Err(e) = run(options).await {
                eprintln!("http_server: {e}");
                return ExitCode::FAILURE;
            }
        }
        Err(message) => {
            eprintln!("http_server: {message}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

async fn run(Options { listen, log }: Options) -> Result<(), Box<dyn Error>> {
    neon_failpoint::init()?;
    let store = Store::open(&log).await;
    let store = store.map_err(|e| format!("the log {}: {e}", log.display()))?;
    let control = Control::new().answer_hosts(["localhost".to_owned(), listen.ip().to_string()]);
    let app = Router::new()
        .route("/kv/{key}", get(read).put(set).delete(delete))
        .with_state(Arc::new(store))
        .merge(control.router());
    let listener = TcpListener::bind(listen).await;
    let listener = listener.map_err(|e| format!("cannot listen on {listen}: {e}"))?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}");
    println!("the log is {}", log.display());
    Ok(serve(listener, app).await?)
}
