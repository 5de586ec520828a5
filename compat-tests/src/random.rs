//! Random scripts whose answers only the implementation decides: no race between threads, no hit that
//! waits forever.
//!
//! proptest draws what is to happen, without a look at what happened before; a model of the state at
//! each draw makes a step of it, or none. What may pause is hit by a thread of its own, which does
//! nothing more once it is released; all others wait until it is asleep or has finished.

use crate::script::{Block, Form, Hit, LITERALS, Measure, Naming, Plan, Script, Setting};
use crate::script::{Site, Statement, Step};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// The value of `FAILPOINTS` for random scripts; no action pauses.
pub(crate) const ENVIRONMENT: &str = "p0=2*return(env)->print(env);p3=off";

/// How many points pauses and callbacks are drawn for.
const POINTS: usize = 4;

/// What one draw asks for; the model fits it to the state at that time.
#[derive(Clone, Debug)]
enum Draw {
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
enum Inner {
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

/// Random scripts. One that fails shrinks by its draws, which are made into a script anew, so that
/// every shorter one keeps to the rules, too.
pub(crate) fn scripts() -> impl Strategy<Value = Script> {
    vec(draw(), 1..24).prop_map(|draws| render(&draws))
}

/// A point that never pauses and never has a callback.
const QUIET: &str = "a quiet name";
/// A point that is configured, but never hit.
const UNHIT: &str = "never hit";
/// The thread for what is to be run elsewhere.
const ELSEWHERE: &str = "W";
/// How many hits a random sample has.
const SAMPLE: u32 = 300;

/// What is known about the state that the script has led to so far.
#[derive(Debug, Default)]
struct Model {
    steps: Vec<Step>,
    /// Whether a hit of the point may pause.
    pauses: [bool; POINTS],
    /// Whether a callback of the point may hit the first one.
    hits_first: [bool; POINTS],
    /// Whether the point may have a callback.
    calls: [bool; POINTS],
    scenario: bool,
    /// Whether log records do more than be recorded.
    listening: bool,
    started: usize,
}

/// Returns the script of these draws.
fn render(draws: &[Draw]) -> Script {
    let mut model = Model::default();
    draws.iter().for_each(|draw| model.draw(draw));
    model.finish();
    Script {
        shows: Vec::new(),
        environment: Some(ENVIRONMENT.as_bytes().to_vec()),
        steps: model.steps,
    }
}

fn name(point: usize) -> String {
    LITERALS.get(point).copied().unwrap_or(QUIET).to_owned()
}

fn as_actions(name: &str, actions: &str) -> Setting {
    Setting {
        name: name.to_owned(),
        plan: Plan::Actions(actions.to_owned()),
    }
}

fn with_callback(point: usize, body: &[Inner]) -> Setting {
    Setting {
        name: name(point),
        plan: Plan::Callback(block(body)),
    }
}

fn hit(name: String, naming: Naming, form: Form, measure: Measure) -> Statement {
    Statement::Hit(Hit {
        site: Site { name, naming, form },
        measure,
    })
}

fn once(name: String, form: Form) -> Statement {
    hit(name, Naming::Literal, form, Measure::Once)
}

/// A block; what may pause comes last, so that nothing follows a release.
fn block(body: &[Inner]) -> Block {
    let is_first = |inner: &&Inner| matches!(inner, Inner::HitFirst(_));
    let (last, before): (Vec<_>, Vec<_>) = body.iter().partition(is_first);
    let mut block: Block = before.into_iter().map(statement).collect();
    block.extend(last.first().map(|last| statement(last)));
    block
}

fn statement(inner: &Inner) -> Statement {
    match inner {
        Inner::Say(number) => Statement::Say(format!("say {number}")),
        Inner::List => Statement::List,
        Inner::Configure { point, actions } => {
            Statement::Configure(as_actions(&name(*point), actions))
        }
        Inner::Remove(point) => Statement::Remove(name(*point)),
        Inner::HitQuiet(form) => once(QUIET.to_owned(), *form),
        Inner::HitFirst(form) => once(name(0), *form),
    }
}

impl Model {
    fn add(&mut self, statement: Statement) {
        self.steps.push(Step {
            line: 0,
            statement,
            stated: None,
        });
    }

    fn add_in(&mut self, elsewhere: bool, statement: Statement) {
        self.add(match elsewhere {
            true => Statement::In(ELSEWHERE.to_owned(), Box::new(statement)),
            false => statement,
        });
    }

    /// Starts a statement on a thread of its own and waits until it sleeps.
    fn start(&mut self, statement: Statement) {
        let thread = format!("T{}", self.started);
        self.started += 1;
        self.add(Statement::Start(thread.clone(), Box::new(statement)));
        self.add(Statement::WaitBlocked(thread));
    }

    /// Notes that nothing is configured any more, or only what the environment says.
    fn forget(&mut self) {
        (self.pauses, self.hits_first, self.calls) = Default::default();
    }

    fn may_pause(&self, point: usize) -> bool {
        let own = self.pauses.get(point) == Some(&true);
        own || self.hits_first.get(point) == Some(&true) && self.pauses[0]
    }

    /// Notes a point's actions; the quiet point gets none that pauses.
    fn note(&mut self, point: usize, actions: &str) -> bool {
        let pauses = actions.contains("pause");
        if let Some(known) = self.pauses.get_mut(point) {
            *known = pauses;
            self.hits_first[point] = false;
            self.calls[point] = false;
            return true;
        }
        !pauses
    }

    /// Notes a point's callback; the first point gets none, as callbacks hit
    /// it.
    fn note_callback(&mut self, point: usize, body: &[Inner]) -> bool {
        if point == 0 {
            return false;
        }
        self.pauses[point] = false;
        self.hits_first[point] = body.iter().any(|inner| matches!(inner, Inner::HitFirst(_)));
        self.calls[point] = true;
        true
    }

    fn draw(&mut self, draw: &Draw) {
        match draw {
            Draw::Configure {
                point,
                actions,
                elsewhere,
            } => {
                if self.note(*point, actions) {
                    let setting = as_actions(&name(*point), actions);
                    self.add_in(*elsewhere, Statement::Configure(setting));
                }
            }
            Draw::Callback { point, body } => {
                if self.note_callback(*point, body) {
                    self.add(Statement::Configure(with_callback(*point, body)));
                }
            }
            Draw::Text(text) => self.add(Statement::Configure(as_actions(UNHIT, text))),
            Draw::Guard {
                slot,
                point,
                actions,
            } => {
                self.note(*point, actions);
                let setting = as_actions(&name(*point), actions);
                self.add(Statement::Guard(format!("g{slot}"), setting));
            }
            Draw::GuardCallback { slot, point, body } => {
                if self.note_callback(*point, body) {
                    let setting = with_callback(*point, body);
                    self.add(Statement::Guard(format!("g{slot}"), setting));
                }
            }
            Draw::DropGuard(slot) => self.add(Statement::DropGuard(format!("g{slot}"))),
            Draw::ShowGuard(slot) => self.add(Statement::ShowGuard(format!("g{slot}"))),
            Draw::Remove { point, elsewhere } => {
                self.add_in(*elsewhere, Statement::Remove(name(*point)));
            }
            Draw::List { elsewhere } => self.add_in(*elsewhere, Statement::List),
            Draw::HasFailpoints => self.add(Statement::HasFailpoints),
            Draw::OnLog(body) => {
                // A logger must not pause at a hit that prints and does not pause itself.
                let quiet = body
                    .iter()
                    .filter(|inner| !matches!(inner, Inner::HitFirst(_)));
                self.add(Statement::OnLog(quiet.map(statement).collect()));
                self.listening = true;
            }
            Draw::Scope {
                point,
                actions,
                panics,
            } => self.scope(*point, actions, *panics),
            Draw::Hit { .. } | Draw::Timed { .. } | Draw::Threads { .. } | Draw::Sample { .. } => {
                self.hit(draw);
            }
            Draw::Setup | Draw::Teardown | Draw::DropScenario | Draw::SetupElsewhere { .. } => {
                self.scenario(draw);
            }
        }
    }

    fn hit(&mut self, draw: &Draw) {
        match *draw {
            Draw::Hit {
                point,
                naming,
                form,
                times,
                elsewhere,
            } => {
                if self.may_pause(point) {
                    self.start(hit(name(point), naming, form, Measure::Once));
                } else {
                    let measure = if times == 1 {
                        Measure::Once
                    } else {
                        Measure::Times(times)
                    };
                    self.add_in(elsewhere, hit(name(point), naming, form, measure));
                }
            }
            Draw::Timed {
                point,
                form,
                burning,
            } if !self.may_pause(point) => {
                let measure = if burning {
                    Measure::Burnt(0)
                } else {
                    Measure::Elapsed(0)
                };
                self.add(hit(name(point), Naming::Literal, form, measure));
            }
            Draw::Threads {
                point,
                form,
                hits,
                threads,
            } if !self.may_pause(point)
                && !self.calls[point]
                && !self.listening
                && form != Form::Removing =>
            {
                let measure = Measure::Totals { hits, threads };
                self.add(hit(name(point), Naming::Literal, form, measure));
            }
            Draw::Sample {
                percent,
                second,
                form,
            } if !self.listening && form != Form::Removing => {
                // A logger or a removal would turn chance into something that lasts.
                let actions = format!("{percent}%return(a)->{second}%print(b)");
                self.add(Statement::Configure(as_actions(QUIET, &actions)));
                self.add(hit(
                    QUIET.to_owned(),
                    Naming::Literal,
                    form,
                    Measure::Sample(SAMPLE),
                ));
                self.add(Statement::Remove(QUIET.to_owned()));
            }
            _ => {}
        }
    }

    fn scope(&mut self, point: usize, actions: &str, panics: bool) {
        self.note(point, actions);
        let mut body = vec![
            Statement::Guard("inner".to_owned(), as_actions(&name(point), actions)),
            once(name(point), Form::Closure),
        ];
        if panics {
            body.push(Statement::Panic("through the guard".to_owned()));
        }
        self.add(Statement::Scope(body));
    }

    fn scenario(&mut self, draw: &Draw) {
        match draw {
            // A second one on this thread is where the implementations differ.
            Draw::Setup if !self.scenario => {
                self.add(Statement::Setup);
                self.scenario = true;
                self.forget();
            }
            Draw::Teardown => self.end_scenario(Statement::Teardown),
            Draw::DropScenario => self.end_scenario(Statement::DropScenario),
            Draw::SetupElsewhere { panics } => {
                let mut body = vec![
                    Statement::Setup,
                    once(name(0), Form::Closure),
                    Statement::Configure(as_actions(&name(1), "return(elsewhere)")),
                    once(name(1), Form::Closure),
                ];
                if *panics {
                    body.push(Statement::Panic("through the scenario".to_owned()));
                }
                self.start(Statement::Scope(body));
                if !self.scenario {
                    self.forget();
                }
            }
            _ => {}
        }
    }

    /// Ends the scenario, if there is one, and lets the threads that wait for it have theirs.
    fn end_scenario(&mut self, end: Statement) {
        self.add(end);
        self.add(Statement::WaitQuiet);
        if self.scenario {
            self.scenario = false;
            self.forget();
        }
    }

    /// Releases all threads and asks for all answers.
    fn finish(&mut self) {
        (0..POINTS).for_each(|point| self.add(Statement::Remove(name(point))));
        self.end_scenario(Statement::Teardown);
        for thread in 0..self.started {
            self.add(Statement::WaitFor(format!("T{thread}")));
        }
        self.add(Statement::List);
    }
}
