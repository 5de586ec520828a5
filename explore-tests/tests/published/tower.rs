//! `tower`: a `Buffer` before a `ConcurrencyLimit`, which "enforces a limit on the concurrent number of requests".

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use neon_failpoint::explore::{Explorer, cancellable};
use neon_failpoint::fail_point;
use tower::buffer::Buffer;
use tower::limit::ConcurrencyLimit;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};

use crate::explored::complete;
use crate::limit::Limit;

#[derive(Debug)]
struct Server {
    in_flight: Arc<Limit>,
}

impl Service<u32> for Server {
    type Response = u32;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<u32, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u32) -> Self::Future {
        let in_flight = self.in_flight.clone();
        Box::pin(async move {
            let _inside = in_flight.enter();
            fail_point!("request", |_| Err("refused".into()));
            Ok(request)
        })
    }
}

type Shared = Buffer<u32, <ConcurrencyLimit<Server> as Service<u32>>::Future>;

async fn request(mut server: Shared, number: u32) -> Result<u32, BoxError> {
    fail_point!("client");
    server.ready().await?.call(number).await
}

/// Three clients, each of which may go away, and one that comes when they are through.
async fn three_clients() {
    let in_flight = Limit::new("requests are in flight", 1);
    let server = ServiceBuilder::new()
        .buffer(1)
        .concurrency_limit(1)
        .service(Server {
            in_flight: in_flight.clone(),
        });
    let clients = [1, 2, 3].map(|number| {
        let server = server.clone();
        tokio::spawn(async move {
            let response = cancellable(request(server, number));
            if let Some(Ok(response)) = response.await {
                assert_eq!(response, number);
            }
        })
    });
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(in_flight.now(), 0);
    let last = request(server, 4).await;
    assert!(last.is_err() || last.unwrap() == 4);
}

#[test]
fn no_slot_of_a_buffer_is_lost_in_0_5_3() {
    let explorer = Explorer::new().faults(1, "return").cancellations(2);
    complete(explorer, 1488, three_clients);
}
