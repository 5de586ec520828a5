//! Proves how a hit ends that does not come back: by the end of the process, or by a panic where a
//! `return` has nowhere to go.

use std::cell::Cell;

use super::ways::WAYS;
use crate::common::{child, now, panic_of, within_deadline};
use neon_failpoint::{
    configure_failpoint, fail_point, fail_point_sync, fail_point_with_context,
    fail_point_with_context_sync, failpoint_context, isolate,
};

#[test]
fn exit_names_the_point_on_standard_error_and_ends_the_process_with_1() {
    const TEST: &str =
        "actions::ends_of_hits::exit_names_the_point_on_standard_error_and_ends_the_process_with_1";
    if let Some(number) = child::role() {
        within_deadline("an exit", move || {
            let way = &WAYS[number.parse::<usize>().unwrap()];
            way.configure("0%panic->125%exit");
            let result = way.at_once();
            panic!("{way:?} survived with {result:?}");
        });
    }
    for (i, way) in WAYS.iter().enumerate() {
        let output = child::run(TEST, &i.to_string(), &[]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{way:?}: {stderr}");
        let expected = format!("failpoint {:?}: exit", way.name);
        // Of a configuration with a percentage, the seed is said first.
        let lines = stderr
            .lines()
            .filter(|line| !line.contains("draw from seed"));
        assert_eq!(lines.collect::<Vec<_>>(), [expected], "{way:?}");
    }
}

#[test]
fn exit_ends_the_process_with_its_status() {
    const TEST: &str = "actions::ends_of_hits::exit_ends_the_process_with_its_status";
    if let Some(actions) = child::role() {
        within_deadline("an exit", move || {
            let way = &WAYS[0];
            way.configure(&format!("1*off->{actions}"));
            assert_eq!(way.at_once(), neon_failpoint::FailpointResult::Continue);
            let result = way.at_once();
            panic!("{way:?} survived with {result:?}");
        });
    }
    let name = WAYS[0].name;
    for (actions, status, said) in [
        ("exit", 1, "exit"),
        ("exit()", 1, "exit"),
        ("exit(1)", 1, "exit"),
        ("exit(0)", 0, "exit(0)"),
        ("exit(3)", 3, "exit(3)"),
        ("exit(255)", 255, "exit(255)"),
    ] {
        let output = child::run(TEST, actions, &[]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{actions}: {stderr}");
        assert_eq!(stderr, format!("failpoint {name:?}: {said}\n"), "{actions}");
    }
}

#[test]
fn a_return_without_a_closure_panics_with_the_line_of_the_call_site() {
    let _alone = isolate();
    let context = &failpoint_context! {};
    let name = "actions-line";
    configure_failpoint(name, "return(x)").unwrap();
    type Site<'a> = &'a dyn Fn(&Cell<u32>);
    let sites: [Site<'_>; 8] = [
        &|line| {
            line.set(line!() + 1);
            fail_point_sync!("actions-line");
        },
        &|line| {
            line.set(line!() + 1);
            fail_point_sync!(name);
        },
        &|line| {
            line.set(line!() + 1);
            fail_point_with_context_sync!("actions-line", context);
        },
        &|line| {
            line.set(line!() + 1);
            fail_point_with_context_sync!(name, context);
        },
        &|line| {
            now(async {
                line.set(line!() + 1);
                fail_point!("actions-line");
            })
        },
        &|line| {
            now(async {
                line.set(line!() + 1);
                fail_point!(name);
            })
        },
        &|line| {
            now(async {
                line.set(line!() + 1);
                fail_point_with_context!("actions-line", context);
            })
        },
        &|line| {
            now(async {
                line.set(line!() + 1);
                fail_point_with_context!(name, context);
            })
        },
    ];
    for (i, site) in sites.iter().enumerate() {
        let line = Cell::new(0);
        let message = panic_of(|| site(&line));
        let expected = format!("\"actions-line\" at {}:{} ", file!(), line.get());
        assert!(
            message.contains(&expected),
            "{i}: {message}, not {expected}"
        );
    }
}

#[test]
fn a_panic_is_placed_where_the_call_site_is() {
    const TEST: &str = "actions::ends_of_hits::a_panic_is_placed_where_the_call_site_is";
    if let Some(number) = child::role() {
        within_deadline("a panic", move || {
            let way = &WAYS[number.parse::<usize>().unwrap()];
            way.configure("panic(here)");
            let result = way.at_once();
            panic!("{way:?} survived with {result:?}");
        });
    }
    for (i, way) in WAYS.iter().enumerate() {
        let output = child::run(TEST, &i.to_string(), &[]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        let place = stderr.lines().zip(stderr.lines().skip(1));
        let text = format!("here (failpoint {:?})", way.name);
        let mut place = place.filter(|(_, message)| *message == text);
        let (place, _) = place.next().unwrap_or_else(|| panic!("{way:?}: {stderr}"));
        assert!(
            place.contains("tests/api/actions/ways.rs:"),
            "{way:?}: {place}"
        );
    }
}
