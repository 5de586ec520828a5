//! Proves what matchers and contexts can be made from, and how a context is displayed.

use std::collections::{BTreeMap, HashMap};

use super::{hit, takes};
use crate::common::actions;
use neon_failpoint::FailpointResult::Return;
use neon_failpoint::{
    FailpointContext, configure_failpoint, configure_failpoint_with_context, configure_failpoints,
    failpoint_context, isolate,
};

#[test]
fn matchers_are_taken_from_whatever_iterates_over_pairs() {
    let _alone = isolate();
    let name = "context-matchers";
    let check = || {
        assert_eq!(actions(name).unwrap(), r#"when(a="1",b="2")return"#);
        assert!(takes(name, [("a", "1"), ("b", "2")]));
        configure_failpoint(name, "off").unwrap();
    };
    macro_rules! from {
        ($($matchers:expr;)*) => {
            $(
                configure_failpoint_with_context(name, "return", $matchers).unwrap();
                check();
                configure_failpoints([(name, "return", $matchers)]).unwrap();
                check();
            )*
        };
    }
    let map = HashMap::from([("a", "1"), ("b", "2")].map(|(k, v)| (k.to_string(), v.to_string())));
    let vec = vec![("b".to_owned(), "2"), ("a".to_owned(), "1")];
    from! {
        map.clone();
        // A `&HashMap` iterates over pairs of `&String`, and those turn into a `String`.
        &map;
        map.iter();
        [("b", "2"), ("a", "1")];
        vec.clone();
        vec.iter().map(|(k, v)| (k.as_str(), *v));
        BTreeMap::from([("a", "1"), ("b", "2")]);
        HashMap::from([("a", "1"), ("b", "2")]);
        [('a', "1"), ('b', "2")];
    }
    configure_failpoint_with_context(name, "return", HashMap::<String, String>::new()).unwrap();
    assert_eq!(actions(name).unwrap(), "return");
}

#[test]
fn a_context_is_made_from_a_map_from_pairs_and_in_place() {
    let _alone = isolate();
    let expected = {
        let mut context = FailpointContext::new();
        assert_eq!(context.insert("tenant", "t-0"), None);
        assert_eq!(context.insert("shard".to_owned(), 17.to_string()), None);
        assert_eq!(context.insert("tenant", "t-1"), Some("t-0".to_owned()));
        context
    };
    let pairs = || [("shard", "17"), ("tenant", "t-1")];
    let owned = || pairs().map(|(k, v)| (k.to_owned(), v.to_owned()));
    let shard = 17_u8;
    let tenant = String::from("t-1");
    for context in [
        FailpointContext::from(HashMap::from(owned())),
        HashMap::from(owned()).into(),
        FailpointContext::from_iter(pairs()),
        pairs().into_iter().collect(),
        owned().into_iter().collect(),
        [("tenant", "t-0")].into_iter().chain(pairs()).collect(),
        failpoint_context! { "tenant" => tenant, "shard" => shard },
        failpoint_context! {
            "tenant" => "t-0", "shard" => "17", String::from("tenant") => format!("t-{}", 1),
        },
    ] {
        assert_eq!(context, expected);
        assert_eq!(context.get("shard"), Some("17"));
        assert_eq!(context.get("Shard"), None);
        assert_eq!(context.iter().collect::<Vec<_>>(), pairs());
    }
    // The macro leaves its values to their owner.
    assert_eq!(tenant, "t-1");
    assert_eq!(failpoint_context! {}, FailpointContext::new());
    assert_eq!(FailpointContext::default(), FailpointContext::new());
    const EMPTY: FailpointContext = FailpointContext::new();
    assert_eq!(EMPTY.iter().count(), 0);
}

#[test]
fn a_context_is_displayed_and_debugged_sorted_and_escaped() {
    let _alone = isolate();
    let context = failpoint_context! { "tenant" => "t \"1\"\n", "a b" => "", "n" => 1.5 };
    assert_eq!(
        context.to_string(),
        r#"a b="", n="1.5", tenant="t \"1\"\n""#
    );
    assert_eq!(
        format!("{context:?}"),
        r#"{"a b": "", "n": "1.5", "tenant": "t \"1\"\n"}"#
    );
    assert_eq!(FailpointContext::new().to_string(), "");
    assert_eq!(format!("{:?}", FailpointContext::new()), "{}");
}

#[test]
fn a_value_is_what_it_displays_as() {
    let _alone = isolate();
    let name = "context-display";
    configure_failpoint(name, "when(n=-1,c=x,b=true,a=127\\.0\\.0\\.1)return").unwrap();
    let context = failpoint_context! {
        "n" => -1_i64, "c" => 'x', "b" => true, "a" => std::net::Ipv4Addr::LOCALHOST,
    };
    assert_eq!(hit(name, Some(&context)), Return(String::new()));
}
