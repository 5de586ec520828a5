//! Proves that every change of a configuration is told once, with what was and what is.

use super::{lines, listen, told};
use crate::common::hit;
use neon_failpoint::{
    arm, arm_callback, compat, configure_failpoint, configure_failpoint_callback,
    configure_failpoint_with_context, configure_failpoints, isolate, list_failpoints,
    remove_all_failpoints, remove_failpoint,
};

#[test]
fn every_change_of_a_configuration_is_told_once_with_what_was_and_what_is() {
    let _alone = isolate();
    listen();
    let name = "events-changes";
    let changed = |old: Option<&str>, new: Option<&str>| {
        let text = |which: &str, text: Option<&str>| text.map(|t| format!(" {which}={t}"));
        let texts = [text("old", old), text("new", new)].map(Option::unwrap_or_default);
        vec![format!("configuration changed:{}", texts.concat())]
    };
    let none: [String; 0] = [];
    told(name);
    configure_failpoint(name, "2*off -> return").unwrap();
    let told_of = told(name);
    assert_eq!(told_of[0].target, "neon_failpoint");
    let fields = [
        ("failpoint", "str", name.to_owned()),
        ("new", "str", "2*off->return".to_owned()),
    ];
    assert_eq!(told_of[0].fields, fields);
    assert_eq!(told_of.len(), 1);
    configure_failpoint_with_context(name, "off", [("k", "v")]).unwrap();
    assert_eq!(
        lines(name),
        changed(Some("2*off->return"), Some("when(k=\"v\")off"))
    );
    configure_failpoint(name, "off").unwrap();
    told(name);
    configure_failpoints([(name, "return(1)"), ("events-changes-too", "pause")]).unwrap();
    assert_eq!(lines(name), changed(Some("off"), Some("return(1)")));
    assert_eq!(lines("events-changes-too"), changed(None, Some("pause")));
    configure_failpoint_callback(name, || {}).unwrap();
    assert_eq!(lines(name), changed(Some("return(1)"), Some("callback")));
    compat::cfg(name, "off").unwrap();
    assert_eq!(lines(name), changed(Some("callback"), Some("off")));

    let older = arm(name, "return(2)").unwrap();
    assert_eq!(lines(name), changed(Some("off"), Some("return(2)")));
    let younger = arm_callback(name, || {}).unwrap();
    assert_eq!(lines(name), changed(Some("return(2)"), Some("callback")));
    younger.configure("return(3)").unwrap();
    assert_eq!(lines(name), changed(Some("callback"), Some("return(3)")));
    // Beneath another nothing changes for whoever hits.
    older.configure("return(4)").unwrap();
    assert_eq!(lines(name), none);
    drop(younger);
    assert_eq!(lines(name), changed(Some("return(3)"), Some("return(4)")));
    remove_failpoint(name);
    assert_eq!(lines(name), changed(Some("return(4)"), None));
    drop(older);
    assert_eq!(lines(name), changed(None, Some("off")));

    // What changes nothing.
    assert!(configure_failpoint(name, "of").is_err());
    assert!(configure_failpoints([(name, "pause"), ("x", "")]).is_err());
    assert!(arm(name, "of").is_err());
    remove_failpoint("events-changes-absent");
    list_failpoints();
    let _ = hit("events-changes-absent");
    assert_eq!(lines(name), none);
    assert_eq!(lines("events-changes-absent"), none);

    remove_all_failpoints();
    assert_eq!(lines(name), changed(Some("off"), None));
    assert_eq!(lines("events-changes-too"), changed(Some("pause"), None));
    remove_all_failpoints();
    assert_eq!(lines(name), none);
    let guard = arm(name, "off").unwrap();
    assert_eq!(lines(name), changed(None, Some("off")));
    compat::FailScenario::setup().teardown();
    assert_eq!(lines(name), changed(Some("off"), None));
    drop(guard);
    assert_eq!(lines(name), none);
    let guard = arm(name, "off").unwrap();
    told(name);
    drop(guard);
    assert_eq!(lines(name), changed(Some("off"), None));
}
