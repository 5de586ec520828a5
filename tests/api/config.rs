//! Configuring, removing and listing.

use std::collections::HashMap;

use crate::common::hit;
#[cfg(feature = "context")]
use neon_failpoint::FailpointConfig;
use neon_failpoint::{
    FailpointResult, configure_failpoint, configure_failpoint_callback, configure_failpoints,
    isolate, list_failpoints, remove_failpoint,
};

fn listed(prefix: &str) -> Vec<(String, String)> {
    let points = list_failpoints().into_iter();
    let ours = points.filter(|p| p.name().starts_with(prefix));
    ours.filter_map(|p| Some((p.name().to_owned(), p.actions()?.to_owned())))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(n, a): &(&str, &str)| ((*n).to_owned(), (*a).to_owned());
    expected.iter().map(owned).collect()
}

#[test]
fn the_list_is_sorted_and_forgets_what_is_removed() {
    let _alone = isolate();
    for name in ["config-list-b", "config-list-a", "config-list-c"] {
        configure_failpoint(name, "off").unwrap();
    }
    configure_failpoint("config-list-b", "1*pause").unwrap();
    configure_failpoint_callback("config-list-c", || {}).unwrap();
    let expected = [
        ("config-list-a", "off"),
        ("config-list-b", "1*pause"),
        ("config-list-c", "callback"),
    ];
    assert_eq!(listed("config-list-"), pairs(&expected));
    remove_failpoint("config-list-b");
    remove_failpoint("config-list-b");
    remove_failpoint(String::from("config-list-c"));
    assert_eq!(listed("config-list-"), pairs(&expected[..1]));
    assert_eq!(hit("config-list-b"), FailpointResult::Continue);
}

#[test]
fn any_name_that_is_not_empty_will_do() {
    let _alone = isolate();
    let names = [
        " ",
        "a=b;c",
        "\u{1F600}",
        "config\0null",
        "config::path::to",
    ];
    for name in names {
        configure_failpoint(name, format!("return({})", name.len())).unwrap();
        assert_eq!(
            hit(name),
            FailpointResult::Return(name.len().to_string()),
            "{name:?}"
        );
        remove_failpoint(name);
        assert_eq!(hit(name), FailpointResult::Continue, "{name:?}");
    }
}

#[test]
fn a_batch_configures_new_and_old_names_in_one_call() {
    let _alone = isolate();
    configure_failpoint("config-batch-a", "off").unwrap();
    let batch: HashMap<String, String> = (0..5_000)
        .map(|i| (format!("config-batch-{i:04}"), format!("return({i})")))
        .chain([("config-batch-a".to_owned(), "return(a)".to_owned())])
        .collect();
    configure_failpoints(batch.clone()).unwrap();
    assert_eq!(listed("config-batch-").len(), 5_001);
    for (name, actions) in &batch {
        let FailpointResult::Return(value) = hit(name) else {
            panic!("{name} does not return");
        };
        assert_eq!(format!("return({value})"), *actions, "{name}");
    }
    for name in batch.keys() {
        remove_failpoint(name);
    }
    assert!(listed("config-batch-").is_empty());
}

#[cfg(feature = "context")]
#[test]
fn a_batch_takes_entries_with_and_without_matchers() {
    let _alone = isolate();
    let matchers = HashMap::from([("tenant".to_owned(), "t.*".to_owned())]);
    let batch: [FailpointConfig; 3] = [
        ("config-entries-a", "off").into(),
        (
            "config-entries-b".to_owned(),
            String::from("off"),
            [("k", "v")],
        )
            .into(),
        ("config-entries-c", "when(a=b)1*off->pause", matchers).into(),
    ];
    assert_eq!(
        batch[0],
        FailpointConfig::from(("config-entries-a".to_owned(), "off"))
    );
    configure_failpoints(batch).unwrap();
    assert_eq!(
        listed("config-entries-"),
        pairs(&[
            ("config-entries-a", "off"),
            ("config-entries-b", r#"when(k="v")off"#),
            (
                "config-entries-c",
                r#"when(a="b",tenant="t.*")1*off->when(tenant="t.*")pause"#
            ),
        ])
    );
}

#[test]
fn a_build_with_the_feature_says_so() {
    const { assert!(neon_failpoint::has_failpoints()) };
}
