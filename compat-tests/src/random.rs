//! Random scripts: what proptest draws, before it is made into a script.

use crate::script::{Form, Naming};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// The value of `FAILPOINTS` for random scripts; no action pauses.
pub(crate) const ENVIRONMENT: &str = "p0=2*return(env)->print(env);p3=off";

/// How many points pauses and callbacks are drawn for.
pub(crate) const POINTS: usize = 4;

/// What one draw asks for; `render` fits it to the state at that time.
#[derive(Clone, Debug)]
pub(crate) enum Draw {
    Configure {
        point: usize,
        actions: String,
        elsewhere: bool,
    },
    Callback {
        point: usize,
        body: Vec<Inner>,
    },
    Text(String),
    Guard {
        slot: usize,
        point: usize,
        actions: String,
    },
    GuardCallback {
        slot: usize,
        point: usize,
        body: Vec<Inner>,
    },
    DropGuard(usize),
    ShowGuard(usize),
    Remove {
        point: usize,
        elsewhere: bool,
    },
    List {
        elsewhere: bool,
    },
    HasFailpoints,
    Hit {
        point: usize,
        naming: Naming,
        form: Form,
        times: u32,
        elsewhere: bool,
    },
    Timed {
        point: usize,
        form: Form,
        burning: bool,
    },
    Threads {
        point: usize,
        form: Form,
        hits: u32,
        threads: u32,
    },
    Sample {
        percent: u32,
        second: u32,
        form: Form,
    },
    Setup,
    Teardown,
    DropScenario,
    SetupElsewhere {
        panics: bool,
    },
    Scope {
        point: usize,
        actions: String,
        panics: bool,
    },
    OnLog(Vec<Inner>),
}

/// What a block may do: it never pauses, and a callback never hits itself.
#[derive(Clone, Debug)]
pub(crate) enum Inner {
    Say(u32),
    List,
    Configure { point: usize, actions: String },
    Remove(usize),
    HitQuiet(Form),
    HitFirst(Form),
}

fn forms() -> impl Strategy<Value = Form> {
    select(vec![
        Form::Plain,
        Form::Closure,
        Form::Condition(true),
        Form::Condition(false),
        Form::Expression,
        Form::ClosureExpression,
        Form::Diverging,
        Form::Removing,
        Form::Eval,
    ])
}

fn namings() -> impl Strategy<Value = Naming> {
    select(vec![Naming::Literal, Naming::Const, Naming::RunTime])
}

/// An action whose outcome does not depend on chance.
fn action(tasks: Vec<&'static str>) -> impl Strategy<Value = String> {
    let percentages = select(vec!["", "", "", "", "0%", "100%", "125%"]);
    let counts = select(vec!["", "", "0*", "1*", "2*", "3*"]);
    (percentages, counts, select(tasks))
        .prop_map(|(percent, count, task)| format!("{percent}{count}{task}"))
}

fn chain(tasks: Vec<&'static str>) -> impl Strategy<Value = String> {
    vec(action(tasks), 1..4).prop_map(|chain| chain.join("->"))
}

const QUIET_TASKS: [&str; 13] = [
    "off",
    "return",
    "return(1)",
    "return(two words)",
    "return()",
    "sleep(0)",
    "panic",
    "panic(boom)",
    "print",
    "print(line)",
    "yield",
    "delay(0)",
    "return(50%2*x)",
];

/// Actions that never pause.
fn quiet_actions() -> impl Strategy<Value = String> {
    chain(QUIET_TASKS.to_vec())
}

/// Actions, one in three of which may pause.
fn actions() -> impl Strategy<Value = String> {
    let mut tasks = QUIET_TASKS.to_vec();
    tasks.extend(["pause"; 6]);
    prop_oneof![2 => quiet_actions(), 1 => chain(tasks)]
}

/// Texts, most of which are refused; only to be configured, never to be hit.
fn texts() -> impl Strategy<Value = String> {
    let parts = vec![
        "return", "off", "sleep", "delay", "print", "(", ")", "(1)", "->", " ", "%", "*", "50%",
        "2*", "+", ".", "1e2", "x", "é", "\u{a0}", "\t", "\"", "\\", ";", "=", "exit", "panic",
    ];
    vec(select(parts), 0..6).prop_map(|parts| parts.concat())
}

fn inner() -> impl Strategy<Value = Inner> {
    prop_oneof![
        3 => (0..9u32).prop_map(Inner::Say),
        1 => Just(Inner::List),
        2 => (0..POINTS, quiet_actions())
            .prop_map(|(point, actions)| Inner::Configure { point, actions }),
        2 => (0..POINTS).prop_map(Inner::Remove),
        2 => forms().prop_map(Inner::HitQuiet),
        1 => forms().prop_map(Inner::HitFirst),
    ]
}

fn body() -> impl Strategy<Value = Vec<Inner>> {
    vec(inner(), 0..4)
}

fn draw() -> impl Strategy<Value = Draw> {
    let point = 0..POINTS;
    let any_point = 0..=POINTS;
    let configuring = prop_oneof![
        6 => (any_point.clone(), actions(), any::<bool>()).prop_map(
            |(point, actions, elsewhere)| Draw::Configure { point, actions, elsewhere }
        ),
        3 => (point.clone(), body()).prop_map(|(point, body)| Draw::Callback { point, body }),
        3 => texts().prop_map(Draw::Text),
        2 => (any_point.clone(), any::<bool>())
            .prop_map(|(point, elsewhere)| Draw::Remove { point, elsewhere }),
        2 => any::<bool>().prop_map(|elsewhere| Draw::List { elsewhere }),
        1 => Just(Draw::HasFailpoints),
    ];
    let hitting = prop_oneof![
        12 => (any_point, namings(), forms(), 1..4u32, any::<bool>()).prop_map(
            |(point, naming, form, times, elsewhere)| {
                Draw::Hit { point, naming, form, times, elsewhere }
            }
        ),
        1 => (point.clone(), forms(), any::<bool>())
            .prop_map(|(point, form, burning)| Draw::Timed { point, form, burning }),
        1 => (point.clone(), forms(), 1..9u32, 1..4u32).prop_map(
            |(point, form, hits, threads)| Draw::Threads { point, form, hits, threads }
        ),
        1 => (1..100u32, 1..100u32, forms())
            .prop_map(|(percent, second, form)| Draw::Sample { percent, second, form }),
    ];
    let guarding = prop_oneof![
        3 => (0..2usize, point.clone(), actions())
            .prop_map(|(slot, point, actions)| Draw::Guard { slot, point, actions }),
        1 => (0..2usize, point.clone(), body())
            .prop_map(|(slot, point, body)| Draw::GuardCallback { slot, point, body }),
        3 => (0..2usize).prop_map(Draw::DropGuard),
        1 => (0..2usize).prop_map(Draw::ShowGuard),
        1 => (point, quiet_actions(), any::<bool>())
            .prop_map(|(point, actions, panics)| Draw::Scope { point, actions, panics }),
        1 => body().prop_map(Draw::OnLog),
    ];
    let scenarios = prop_oneof![
        3 => Just(Draw::Setup),
        1 => Just(Draw::Teardown),
        1 => Just(Draw::DropScenario),
        2 => any::<bool>().prop_map(|panics| Draw::SetupElsewhere { panics }),
    ];
    prop_oneof![8 => configuring, 12 => hitting, 4 => guarding, 2 => scenarios]
}

/// The draws of one script.
pub(crate) fn draws() -> impl Strategy<Value = Vec<Draw>> {
    vec(draw(), 1..24)
}
