//! Proves that what is compiled in is listed, together with what is configured.

use super::totals;
use crate::common::{info, listed, now, waiting};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    arm, arm_callback, compat, fail_point, fail_point_sync, fail_point_with_context_sync,
    failpoint, failpoint_context, isolate, list_failpoints, pausable_failpoint, remove_failpoint,
    sleep_millis_async,
};

/// Never called: it is enough to be compiled in.
async fn sites() {
    fail_point_sync!("inventory-sites");
    fail_point!("inventory-sites");
    let _ = pausable_failpoint!("inventory-sites").await;
    sleep_millis_async!("inventory-sites").await;
    compat::fail_point!("inventory-sites");
    compat::async_fail_point!("inventory-sites");
    let context = failpoint_context! { "k" => "v" };
    fail_point_with_context_sync!("inventory-sites", &context);
    // A name that is made at run time has no site.
    let name = String::from("inventory-sites-none");
    fail_point_sync!(&name);
}

#[test]
fn every_site_is_listed_with_its_file_its_line_and_whether_it_awaits() {
    let _alone = isolate();
    let _ = sites;
    let first = listed("inventory-sites").call_sites()[0].line();
    let sites = listed("inventory-sites");
    let sites: Vec<_> = sites
        .call_sites()
        .iter()
        .map(|site| {
            assert_eq!(site.file(), file!());
            assert_eq!(site.to_string(), format!("{}:{}", file!(), site.line()));
            (site.line() - first, site.awaits())
        })
        .collect();
    let expected = [
        (0, false),
        (1, true),
        (2, true),
        (3, true),
        (4, false),
        (5, true),
        (7, false),
    ];
    assert_eq!(sites, expected);
    let point = listed("inventory-sites");
    assert!(!point.is_configured());
    assert_eq!((point.actions(), point.hits(), point.fired()), (None, 0, 0));
    assert_eq!(totals("inventory-sites"), (0, 0));
    let names: Vec<_> = list_failpoints()
        .iter()
        .map(|p| p.name().to_owned())
        .collect();
    assert!(!names.contains(&"inventory-sites-none".to_owned()));
    assert!(names.is_sorted());
    let text = point.to_string();
    assert!(
        text.starts_with("\"inventory-sites\": not configured; at "),
        "{text}"
    );
    assert_eq!(text.matches(file!()).count(), 7, "{text}");
}

#[test]
fn a_guard_is_listed_as_what_it_configures() {
    let _alone = isolate();
    let name = "inventory-guard";
    let older = arm(name, "off").unwrap();
    let younger = arm_callback(name, || {}).unwrap();
    assert_eq!(listed(name).actions(), Some("callback"));
    remove_failpoint(name);
    assert!(info(name).is_none());
    drop(younger);
    assert_eq!(listed(name).actions(), Some("off"));
    drop(older);
    assert!(info(name).is_none());
}

#[test]
fn the_inventory_is_send_and_keeps_what_it_saw() {
    fn check<T: Send + Sync + Clone + std::fmt::Debug + 'static>(_: &T) {}
    let _alone = isolate();
    let name = "inventory-kept";
    let guard = arm(name, "pause").unwrap();
    let hit = waiting(failpoint(name, None));
    let seen = listed(name);
    check(&seen);
    check(&seen.totals());
    drop(guard);
    assert_eq!(now(hit), Continue);
    assert_eq!((seen.hits(), seen.waiters().len()), (1, 1));
    check(&seen.waiters()[0].clone());
}
