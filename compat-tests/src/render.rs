//! Turns random draws into a script whose answers only the implementation decides: no race between
//! threads, no hit that waits forever.
//!
//! What may pause is hit by a thread of its own, which does nothing more once it is released; all
//! others wait until it is asleep or has finished.

use crate::random::{Draw, ENVIRONMENT, Inner, POINTS};
use crate::script::{Block, Form, Hit, LITERALS, Measure, Naming, Plan, Script, Setting};
use crate::script::{Site, Statement, Step};

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
pub(crate) fn render(draws: &[Draw]) -> Script {
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
