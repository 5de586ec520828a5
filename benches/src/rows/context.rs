//! A hit whose context does not match.

use std::hint::black_box;

use neon_failpoint::{
    configure_failpoint_with_context, fail_point_with_context_sync, failpoint_context,
};
use regex::Regex;

use super::Row;
use neon_failpoint_benches::measure::{Effort, per_call};
use neon_failpoint_benches::report::Limit::AtMost;
use neon_failpoint_benches::report::Line;

pub(super) const CONTEXT: Row = Row {
    name: "context",
    about: "ns per hit of a point with two matchers, of which the second does not match",
    run: context,
};

fn context(effort: Effort) -> Result<Vec<Line>, String> {
    let matchers = [("shard", "0[0-9]+"), ("tenant", "t-[a-f0-9]{8}")];
    configure_failpoint_with_context("bench-context", "off", matchers)
        .map_err(|e| e.to_string())?;
    let values = ["0004".to_owned(), "t-12345678-more".to_owned()];
    let context = failpoint_context! { "shard" => &values[0], "tenant" => &values[1] };
    // What a matcher compiles: the whole value must match.
    let whole = |pattern| Regex::new(&format!(r"\A(?:{pattern})\z")).map_err(|e| e.to_string());
    let shard = whole("0[0-9]+")?;
    let tenant = whole("t-[a-f0-9]{8}")?;
    let measured = per_call(
        effort,
        20_000,
        [
            &mut |n| {
                for _ in 0..n {
                    let [first, second] = black_box(&values);
                    black_box(shard.is_match(first) && tenant.is_match(second));
                }
            },
            &mut |n| {
                for _ in 0..n {
                    fail_point_with_context_sync!("bench-context", black_box(&context));
                }
            },
        ],
    );
    neon_failpoint::remove_failpoint("bench-context");
    let [floor, ours] = measured;
    let line = Line::new("no match", None, "ns")
        .columns(["2 is_match", "ours"].into_iter().zip(measured))
        .bar("times the two matches", ours / floor, AtMost(2.0));
    Ok(vec![line])
}
