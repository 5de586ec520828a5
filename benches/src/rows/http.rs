//! Control over HTTP, by real connections to a server on a loopback port.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use neon_failpoint::{fail_point, list_failpoints, remove_failpoint};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use super::Row;
use neon_failpoint_benches::measure::{Effort, in_turns};
use neon_failpoint_benches::report::Limit::{AtLeast, AtMost};
use neon_failpoint_benches::report::Line;

pub(super) const HTTP: Row = Row {
    name: "http",
    about: "calls over HTTP a second, by one client, and ms until waiting clients are answered",
    run: http,
};

const NAME: &str = "bench-http";

/// A server with our calls, and beside them handlers that do as little as a server can.
struct Server {
    runtime: Runtime,
    address: std::net::SocketAddr,
    /// What clients of `/floor/wait` wait for, and the number of those clients.
    floor: Arc<(Notify, AtomicUsize)>,
}

impl Server {
    fn start() -> Result<Self, String> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|e| format!("no runtime: {e}"))?;
        let floor = Arc::new((Notify::new(), AtomicUsize::new(0)));
        let wait = {
            let floor = floor.clone();
            async move || {
                let notified = floor.0.notified();
                floor.1.fetch_add(1, Ordering::AcqRel);
                notified.await;
                "null"
            }
        };
        let app = Router::new()
            .merge(neon_failpoint::http::router())
            .route("/floor", post(async |_: Bytes| "null").get(async || "null"))
            .route("/floor/wait", get(wait));
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.map_err(|e| format!("no socket: {e}"))?;
        let address = listener.local_addr();
        let address = address.map_err(|e| format!("no address: {e}"))?;
        runtime.spawn(async { axum::serve(listener, app).await });
        Ok(Self {
            runtime,
            address,
            floor,
        })
    }

    fn connect(&self) -> Result<Client, String> {
        let connect = async {
            let stream = TcpStream::connect(self.address).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        };
        let stream = self.runtime.block_on(connect);
        let stream = stream.map_err(|e: std::io::Error| format!("no connection: {e}"))?;
        Ok(Client { stream })
    }
}

/// A connection that does only what is measured.
struct Client {
    stream: TcpStream,
}

impl Client {
    async fn send(&mut self, request: &str) {
        let sent = self.stream.write_all(request.as_bytes()).await;
        assert!(sent.is_ok(), "the server is there");
    }

    /// Reads one answer, which must be a success.
    async fn receive(&mut self) {
        let mut bytes = Vec::with_capacity(1 << 10);
        while !is_whole(&bytes) {
            let read = self.stream.read_buf(&mut bytes).await;
            assert!(read.is_ok_and(|n| n > 0), "the server answers");
        }
        assert!(bytes.starts_with(b"HTTP/1.1 200 "), "the call is good");
    }
}

/// Whether `answer` has its head and as many bytes as that says.
fn is_whole(answer: &[u8]) -> bool {
    const LENGTH: &str = "content-length: ";
    let Ok(text) = std::str::from_utf8(answer) else {
        return false;
    };
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| line.strip_prefix(LENGTH));
    let length: Option<usize> = length.and_then(|length| length.parse().ok());
    length.is_some_and(|length| body.len() >= length)
}

fn request(method: &str, path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

fn configure(actions: &str) -> String {
    let body = format!(r#"[{{"name":"{NAME}","actions":"{actions}"}}]"#);
    request("POST", "/v1/failpoints", &body)
}

fn http(effort: Effort) -> Result<Vec<Line>, String> {
    let server = Server::start()?;
    let mut lines = calls(&server, effort)?;
    lines.push(answers(&server, effort)?);
    remove_failpoint(NAME);
    Ok(lines)
}

/// Calls by one client, one after the other.
fn calls(server: &Server, effort: Effort) -> Result<Vec<Line>, String> {
    let count = effort.size(1_000);
    let mut lines = Vec::new();
    let one = request("GET", &format!("/v1/failpoints/{NAME}"), "");
    let body = format!(r#"[{{"name":"{NAME}","actions":"off"}}]"#);
    for (work, ours, floor) in [
        (
            "configure",
            configure("off"),
            request("POST", "/floor", &body),
        ),
        ("show", one, request("GET", "/floor", "")),
    ] {
        let [mut first, mut second] = [server.connect()?, server.connect()?];
        let time = |client: &mut Client, request: &str| {
            server.runtime.block_on(async {
                let start = Instant::now();
                for _ in 0..count {
                    client.send(request).await;
                    client.receive().await;
                }
                start.elapsed()
            })
        };
        let columns: [&mut dyn FnMut() -> Duration; 2] =
            [&mut || time(&mut first, &ours), &mut || {
                time(&mut second, &floor)
            }];
        let times = in_turns(effort.rounds(31), columns);
        let [ours, floor] = times.map(|ns| count as f64 * 1e9 / ns);
        lines.push(
            Line::new(format!("{work} a failpoint"), None, "a second")
                .columns([("ours", ours), ("axum alone", floor)])
                .bar("of axum alone", ours / floor, AtLeast(0.5)),
        );
    }
    Ok(lines)
}

async fn hit() {
    fail_point!("bench-http");
}

/// From one hit until all clients that waited for it have their answers.
fn answers(server: &Server, effort: Effort) -> Result<Line, String> {
    let count = effort.size(200);
    let connect =
        || -> Result<Vec<Client>, String> { (0..count).map(|_| server.connect()).collect() };
    let [mut ours, mut floors, mut one] = [connect()?, connect()?, vec![server.connect()?]];
    let floor = &*server.floor;
    let wait = request("GET", &format!("/v1/failpoints/{NAME}/wait?hits=1"), "");
    let by_ours: &mut dyn FnMut() -> Duration = &mut || {
        server.runtime.block_on(async {
            one[0].send(&configure("off")).await;
            one[0].receive().await;
            for client in &mut ours {
                client.send(&wait).await;
            }
            let observers = || {
                let points = list_failpoints();
                let point = points.iter().find(|point| point.name() == NAME);
                point.map_or(0, |point| point.observers())
            };
            while observers() < count {
                tokio::task::yield_now().await;
            }
            let start = Instant::now();
            hit().await;
            for client in &mut ours {
                client.receive().await;
            }
            start.elapsed()
        })
    };
    let by_notify: &mut dyn FnMut() -> Duration = &mut || {
        server.runtime.block_on(async {
            floor.1.store(0, Ordering::Release);
            for client in &mut floors {
                client.send(&request("GET", "/floor/wait", "")).await;
            }
            while floor.1.load(Ordering::Acquire) < count {
                tokio::task::yield_now().await;
            }
            let start = Instant::now();
            floor.0.notify_waiters();
            for client in &mut floors {
                client.receive().await;
            }
            start.elapsed()
        })
    };
    let values = in_turns(effort.rounds(51), [by_ours, by_notify]).map(|ns| ns / 1e6);
    let [ours, notify] = values;
    Ok(Line::new("clients answered after a hit", Some(count), "ms")
        .columns([("ours", ours), ("Notify", notify)])
        .bar("times Notify", ours / notify, AtMost(2.0)))
}
