//! Every call over HTTP, good and bad, against a real server on a loopback port.

mod configure;
mod hosts;
mod let_go;
mod paths;
mod servers;
mod show;
mod text;
mod ttl;
mod wait;
mod warnings;

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, ALLOW, CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use neon_failpoint::http::{BODY_LIMIT, Control, Request};
use neon_failpoint::{
    FailpointResult, configure_failpoint, fail_point, failpoint, failpoint_context,
    list_failpoints, remove_failpoint, set_wait_deadline,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower_http::validate_request::ValidateRequestHeaderLayer;

use crate::TABLE;
use crate::common::crew::spawn_hit;
use crate::common::http::{Client, net, with_client, with_server};
use crate::common::{DEADLINE, Runtime, assert_stats, info, observers, until_async, waiters};

/// A hit with the context `tenant`.
fn hit_of(name: &'static str, tenant: &'static str) -> tokio::task::JoinHandle<FailpointResult> {
    tokio::spawn(async move {
        let context = failpoint_context! { "tenant" => tenant };
        failpoint(name, Some(&context)).await
    })
}

/// Sends `requests` as they are, and reads until the server closes the connection.
async fn converse(address: SocketAddr, requests: String) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (mut answers, mut writer) = stream.split();
    let mut text = String::new();
    let write = async { writer.write_all(requests.as_bytes()).await.unwrap() };
    let read = async { answers.read_to_string(&mut text).await.unwrap() };
    tokio::join!(write, read);
    text
}
