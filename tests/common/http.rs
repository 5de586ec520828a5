//! A server on a loopback port and a client of it, both real.

use std::net::SocketAddr;

use axum::Router;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, ORIGIN};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

use neon_failpoint::http::router;

use super::{block_on_runtime, within_deadline};

/// Serves `app` for as long as the runtime runs.
async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, app).await });
    address
}

/// Runs `test` with a client of a server that has nothing but failpoints.
#[track_caller]
pub(crate) fn with_client<F: Future<Output = ()>>(
    what: &str,
    test: impl FnOnce(Client) -> F + Send + 'static,
) {
    with_server(what, router(), test);
}

#[track_caller]
pub(crate) fn with_server<F: Future<Output = ()>>(
    what: &str,
    app: Router,
    test: impl FnOnce(Client) -> F + Send + 'static,
) {
    net(what, async move || {
        let address = serve(app).await;
        test(Client::connect(address).await).await;
    });
}

/// Runs `test` on a runtime that has sockets.
#[track_caller]
pub(crate) fn net<F: Future<Output = ()>>(what: &str, test: impl FnOnce() -> F + Send + 'static) {
    within_deadline(what, || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).enable_all().build().unwrap();
        block_on_runtime(&runtime, test());
    });
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// Returns the body of an answer, which must have `status`.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// Checks that it is that to a good configuration, perhaps of names that are made at run time.
    #[track_caller]
    pub(crate) fn configured(self) {
        let body = self.expect(200);
        if body.is_null() {
            return;
        }
        let object = body.as_object().unwrap_or_else(|| panic!("{body}"));
        assert_eq!(object.len(), 1, "{body}");
        let warnings = object["warnings"].as_array().unwrap();
        assert!(!warnings.is_empty());
        for warning in warnings {
            let text = warning.as_str().unwrap();
            assert!(
                text.contains("no call site compiled in has that name"),
                "{text}"
            );
        }
    }

    /// Returns the message of an answer, which must have `status` and all `parts`.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, parts: &[&str]) -> String {
        let body = self.expect(status);
        let message = body["msg"].as_str().unwrap_or_else(|| panic!("{body}"));
        for part in parts {
            assert!(message.contains(part), "no {part:?}: {message}");
        }
        message.to_owned()
    }
}

/// One connection, which takes one request after the other.
pub(crate) struct Client {
    address: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
    /// The header `authorization`.
    pub(crate) token: Option<&'static str>,
    /// The header `accept`.
    pub(crate) accept: Option<String>,
    /// The header `origin`.
    pub(crate) origin: Option<&'static str>,
    /// The header `host`, in the place of the address.
    pub(crate) host: Option<String>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        // It ends when the sender is dropped, or with an error that the sender sees, too.
        tokio::spawn(connection);
        Self {
            address,
            sender,
            token: None,
            accept: None,
            origin: None,
            host: None,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        content_type: Option<&str>,
        body: impl Into<Bytes>,
    ) -> Answer {
        let host = self.host.clone();
        let mut request = hyper::Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, host.unwrap_or_else(|| self.address.to_string()));
        if let Some(accept) = &self.accept {
            request = request.header(ACCEPT, accept);
        }
        if let Some(origin) = self.origin {
            request = request.header(ORIGIN, origin);
        }
        if let Some(content_type) = content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        if let Some(token) = self.token {
            request = request.header(AUTHORIZATION, token);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        self.sender.ready().await.unwrap();
        let response = self.sender.send_request(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let text = || Value::String(String::from_utf8_lossy(&body).into_owned());
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: serde_json::from_slice(&body).unwrap_or_else(|_| text()),
        }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, None, "").await
    }

    pub(crate) async fn delete(&mut self, path: &str) -> Answer {
        self.send("DELETE", path, None, "").await
    }

    /// A POST of JSON.
    pub(crate) async fn post(&mut self, path: &str, body: impl Into<Bytes>) -> Answer {
        self.send("POST", path, Some("application/json"), body)
            .await
    }

    /// Configures `name`, which may be one that is made at run time.
    pub(crate) async fn arm(&mut self, name: &str, actions: &str) {
        let body = serde_json::json!([{ "name": name, "actions": actions }]);
        let answer = self.post("/v1/failpoints", body.to_string()).await;
        answer.configured();
    }

    /// A PUT of text.
    pub(crate) async fn put(&mut self, path: &str, body: impl Into<Bytes>) -> Answer {
        let form = Some("application/x-www-form-urlencoded");
        self.send("PUT", path, form, body).await
    }
}
