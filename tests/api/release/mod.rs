//! Proves whom a release lets go: the first, some, all, or those whose context matches, in
//! the order of arrival; that the others wait on; and what it counts.

mod chosen;
mod counted;
mod errors;
mod wakers;

use std::task::Poll;

use crate::common::{HitByHand, poll_once};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{FailpointContext, failpoint_context};

const NO_MATCHERS: [(&str, &str); 0] = [];

fn tenant(i: usize) -> FailpointContext {
    failpoint_context! { "tenant" => format!("t-{i}"), "i" => i }
}

/// Which of them went.
fn gone(hits: &mut [HitByHand<'_>]) -> Vec<usize> {
    let mut gone = Vec::new();
    for (i, hit) in hits.iter_mut().enumerate() {
        match poll_once(hit.as_mut()) {
            Poll::Ready(result) => {
                assert_eq!(result, Continue);
                // Polled again later: it has to wait, or not be counted again.
                *hit = Box::pin(std::future::pending());
                gone.push(i);
            }
            Poll::Pending => {}
        }
    }
    gone
}
