//! Proves that guards, plain calls and removals do what a list of layers does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::shown;
use crate::common::hit;
use neon_failpoint::FailpointResult::{self, Continue, Return};
use neon_failpoint::{
    Armed, arm, arm_callback, configure_failpoint, configure_failpoint_callback, fail_point_sync,
    isolate, remove_all_failpoints, remove_failpoint,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// What a name is configured to do, by the model.
#[derive(Clone, Debug)]
struct Conf {
    kind: Kind,
    number: usize,
    hits: usize,
    fired: usize,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Off,
    Return,
    /// `n*return`.
    Count(usize),
    Callback,
}

impl Conf {
    fn hit(&mut self, calls: &mut usize) -> FailpointResult {
        self.hits += 1;
        let fires = match self.kind {
            Kind::Count(n) => self.fired < n,
            _ => true,
        };
        self.fired += usize::from(fires);
        match self.kind {
            Kind::Return | Kind::Count(_) if fires => Return(self.number.to_string()),
            Kind::Callback => {
                *calls += self.number;
                Continue
            }
            _ => Continue,
        }
    }

    fn text(&self) -> String {
        match self.kind {
            Kind::Off => "off".to_owned(),
            Kind::Return => format!("return({})", self.number),
            Kind::Count(n) => format!("{n}*return({})", self.number),
            Kind::Callback => "callback".to_owned(),
        }
    }
}

#[derive(Clone, Debug)]
enum Op {
    Hit,
    HitSite,
    Arm(Kind),
    Configure(prop::sample::Index, Kind),
    Drop(prop::sample::Index),
    Plain(Kind),
    Remove,
    RemoveAll,
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Off),
        Just(Kind::Return),
        (0..4usize).prop_map(Kind::Count),
        Just(Kind::Callback),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => Just(Op::Hit),
        4 => Just(Op::HitSite),
        4 => kind().prop_map(Op::Arm),
        2 => (any::<prop::sample::Index>(), kind()).prop_map(|(i, k)| Op::Configure(i, k)),
        3 => any::<prop::sample::Index>().prop_map(Op::Drop),
        2 => kind().prop_map(Op::Plain),
        1 => Just(Op::Remove),
        1 => Just(Op::RemoveAll),
    ]
}

/// One guard, by the model: what it has there, and whether anything it had there fired.
#[derive(Debug)]
struct Layer {
    guard: Option<Armed>,
    conf: Option<Conf>,
    fired: usize,
}

struct Model {
    name: &'static str,
    next: usize,
    calls: Arc<AtomicUsize>,
    expected_calls: usize,
    base: Option<Conf>,
    /// The youngest last.
    layers: Vec<Layer>,
    /// Guards whose layer is gone.
    ended: Vec<Layer>,
}

impl Model {
    fn conf(&mut self, kind: Kind) -> Conf {
        self.next += 1;
        Conf {
            kind,
            number: self.next,
            hits: 0,
            fired: 0,
        }
    }

    fn callback(&self, number: usize) -> impl Fn() + Send + Sync + 'static {
        let calls = self.calls.clone();
        move || {
            calls.fetch_add(number, Ordering::SeqCst);
        }
    }

    fn top(&mut self) -> &mut Option<Conf> {
        match self.layers.last_mut() {
            Some(layer) => &mut layer.conf,
            None => &mut self.base,
        }
    }

    fn hit(&mut self, hit: impl FnOnce(&str) -> FailpointResult) {
        let mut calls = 0;
        let expected = match self.top() {
            Some(conf) => {
                let fired = conf.fired;
                let result = conf.hit(&mut calls);
                let fired = conf.fired - fired;
                if let Some(layer) = self.layers.last_mut() {
                    layer.fired += fired;
                }
                result
            }
            None => Continue,
        };
        self.expected_calls += calls;
        assert_eq!(hit(self.name), expected);
    }

    fn step(&mut self, op: &Op) {
        let name = self.name;
        match op {
            Op::Hit => self.hit(hit),
            Op::HitSite => self.hit(|_| {
                fail_point_sync!("arm-model", Return);
                Continue
            }),
            Op::Arm(kind) => {
                let conf = self.conf(*kind);
                let guard = match kind {
                    Kind::Callback => arm_callback(name, self.callback(conf.number)),
                    _ => arm(name, conf.text()),
                };
                self.layers.push(Layer {
                    guard: Some(guard.unwrap()),
                    conf: Some(conf),
                    fired: 0,
                });
            }
            Op::Configure(index, kind) => {
                let all = self.layers.len() + self.ended.len();
                if all == 0 {
                    return;
                }
                let at = index.index(all);
                let conf = self.conf(*kind);
                let callback = self.callback(conf.number);
                let at = if at >= self.layers.len() {
                    let layer = self.ended.remove(at - self.layers.len());
                    self.layers.push(layer);
                    self.layers.len() - 1
                } else {
                    at
                };
                let layer = &mut self.layers[at];
                let guard = layer.guard.as_ref().unwrap();
                match kind {
                    Kind::Callback => guard.configure_callback(callback).unwrap(),
                    _ => guard.configure(conf.text()).unwrap(),
                }
                layer.conf = Some(conf);
            }
            Op::Drop(index) => {
                let all = self.layers.len() + self.ended.len();
                if all == 0 {
                    return;
                }
                let at = index.index(all);
                let mut layer = if at >= self.layers.len() {
                    self.ended.remove(at - self.layers.len())
                } else {
                    self.layers.remove(at)
                };
                drop(layer.guard.take());
            }
            Op::Plain(kind) => {
                let conf = self.conf(*kind);
                match kind {
                    Kind::Callback => {
                        configure_failpoint_callback(name, self.callback(conf.number)).unwrap();
                    }
                    _ => configure_failpoint(name, conf.text()).unwrap(),
                }
                *self.top() = Some(conf);
            }
            Op::Remove => {
                remove_failpoint(name);
                *self.top() = None;
            }
            Op::RemoveAll => {
                remove_all_failpoints();
                self.base = None;
                self.ended.append(&mut self.layers);
                for layer in &mut self.ended {
                    layer.conf = None;
                }
            }
        }
    }

    fn check(&mut self) {
        let expected = self.top().clone();
        let expected = expected.map(|c| (c.text(), Vec::new(), c.hits, c.fired));
        assert_eq!(shown(self.name), expected);
        assert_eq!(self.calls.load(Ordering::SeqCst), self.expected_calls);
        for layer in self.layers.iter().chain(&self.ended) {
            let guard = layer.guard.as_ref().unwrap();
            let expected = layer.conf.as_ref().map_or((0, 0), |c| (c.hits, c.fired));
            assert_eq!((guard.hits(), guard.fired()), expected);
        }
    }

    /// Runs the steps, and returns the guards that are left, youngest last, with whether
    /// they fired.
    fn run(ops: &[Op], after: impl Fn(&mut Self)) -> Self {
        remove_all_failpoints();
        let mut model = Self {
            name: "arm-model",
            next: 0,
            calls: Arc::new(AtomicUsize::new(0)),
            expected_calls: 0,
            base: None,
            layers: Vec::new(),
            ended: Vec::new(),
        };
        for op in ops {
            model.step(op);
            after(&mut model);
        }
        model
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn guards_are_a_list_of_layers(ops in prop::collection::vec(op(), 0..40)) {
        let _alone = isolate();
        let mut model = Model::run(&ops, Model::check);
        // Those that are left go from the oldest.
        while !model.layers.is_empty() {
            drop(model.layers.remove(0));
            model.check();
        }
        drop(std::mem::take(&mut model.ended));
        model.check();
        remove_all_failpoints();
        prop_assert_eq!(Arc::strong_count(&model.calls), 1, "no callback is left");
    }
}

#[test]
fn must_fire_is_about_the_guards_own_configurations_whatever_happens() {
    // By hand: the expected panics of three hundred cases need no lines of their own.
    let config = Config {
        failure_persistence: None,
        cases: 300,
        ..Config::default()
    };
    let ops = prop::collection::vec(op(), 0..30);
    let result = TestRunner::new(config).run(&ops, |ops| {
        let _alone = isolate();
        let mut model = Model::run(&ops, |_| {});
        let mut wrong = Vec::new();
        while let Some(layer) = model.layers.pop().or_else(|| model.ended.pop()) {
            let guard = layer.guard.unwrap().must_fire();
            let drops = catch_unwind(AssertUnwindSafe(|| drop(guard)));
            if drops.is_ok() != (layer.fired > 0) {
                wrong.push((layer.fired, drops.is_ok()));
            }
        }
        prop_assert!(wrong.is_empty(), "(fired, passes): {wrong:?}");
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
