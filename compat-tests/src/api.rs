//! `fail`'s surface as a trait, so that one interpreter runs on every implementation, and the call
//! sites, which need a macro to be written only once.

use crate::script::{Form, Naming, Site};
use std::fmt::Debug;
use std::sync::OnceLock;

/// What a call site did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    /// The code behind the site was reached.
    WentOn,
    /// The site returned what the closure made of this.
    Returned(Option<String>),
}

/// An implementation of `fail` 0.5.1.
pub(crate) trait Fail: Debug + Sized + 'static {
    /// Its `FailGuard`.
    type Guard: Debug;
    /// Its `FailScenario`.
    type Scenario;

    /// What a thread holds while it runs a script.
    type Stay;

    /// Called by each thread that runs a part of a script, before it does.
    fn enter() -> Self::Stay;
    fn cfg(name: &str, actions: &str) -> Result<(), String>;
    fn cfg_callback(name: &str, f: impl Fn() + Send + Sync + 'static) -> Result<(), String>;
    fn remove(name: &str);
    fn list() -> Vec<(String, String)>;
    fn has_failpoints() -> bool;
    fn guard(name: &str, actions: &str) -> Result<Self::Guard, String>;
    fn guard_with_callback(
        name: &str,
        f: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self::Guard, String>;
    fn setup() -> Self::Scenario;
    fn teardown(scenario: Self::Scenario);
    fn hit(site: &Site) -> Happened;

    /// The log target that a record of target `target` counts as.
    fn log_target(target: &str) -> &str {
        target
    }
}

/// One call site in each form of the macro, all with the name `$name`.
macro_rules! sites {
    ($krate:ident, $name:expr, $form:expr) => {
        match $form {
            Form::Plain => {
                let site = || {
                    $krate::fail_point!($name);
                };
                site();
                Happened::WentOn
            }
            Form::Closure => {
                let site = || {
                    $krate::fail_point!($name, |value| {
                        let value: Option<String> = value;
                        Happened::Returned(value)
                    });
                    Happened::WentOn
                };
                site()
            }
            Form::Condition(condition) => {
                let site = || {
                    $krate::fail_point!($name, condition, Happened::Returned);
                    Happened::WentOn
                };
                site()
            }
            Form::Expression => {
                let site = |reached| match reached {
                    true => $krate::fail_point!($name),
                    false => unreachable!("the interpreter passes true"),
                };
                site(true);
                Happened::WentOn
            }
            Form::ClosureExpression => {
                let site = |reached| {
                    match reached {
                        true => $krate::fail_point!($name, Happened::Returned),
                        false => unreachable!("the interpreter passes true"),
                    }
                    Happened::WentOn
                };
                site(true)
            }
            Form::Removing => {
                let site = || {
                    $krate::fail_point!($name, |value| {
                        $krate::remove($name);
                        Happened::Returned(value)
                    });
                    Happened::WentOn
                };
                site()
            }
            Form::Diverging => {
                let site = || {
                    $krate::fail_point!($name, |value| panic!("the closure got {value:?}"));
                    Happened::WentOn
                };
                site()
            }
            Form::Eval => match $krate::eval($name, |value| value) {
                None => Happened::WentOn,
                Some(value) => Happened::Returned(value),
            },
        }
    };
}

/// A type `$type` that stands for the crate `$krate`.
macro_rules! implementation {
    ($(#[$doc:meta])* $type:ident, $krate:ident, $stay:ty, $enter:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) enum $type {}

        impl Fail for $type {
            type Guard = $krate::FailGuard;
            type Scenario = $krate::FailScenario<'static>;
            type Stay = $stay;

            fn enter() -> Self::Stay {
                $enter
            }

            fn cfg(name: &str, actions: &str) -> Result<(), String> {
                $krate::cfg(name, actions)
            }

            fn cfg_callback(
                name: &str,
                f: impl Fn() + Send + Sync + 'static,
            ) -> Result<(), String> {
                $krate::cfg_callback(name, f)
            }

            fn remove(name: &str) {
                $krate::remove(name);
            }

            fn list() -> Vec<(String, String)> {
                $krate::list()
            }

            fn has_failpoints() -> bool {
                const HAS: bool = $krate::has_failpoints();
                HAS
            }

            fn guard(name: &str, actions: &str) -> Result<Self::Guard, String> {
                $krate::FailGuard::new(name, actions)
            }

            fn guard_with_callback(
                name: &str,
                f: impl Fn() + Send + Sync + 'static,
            ) -> Result<Self::Guard, String> {
                $krate::FailGuard::with_callback(name, f)
            }

            fn setup() -> Self::Scenario {
                $krate::FailScenario::setup()
            }

            fn teardown(scenario: Self::Scenario) {
                scenario.teardown();
            }

            fn hit(site: &Site) -> Happened {
                const P0: &str = "p0";
                const P1: &str = "p1";
                const P2: &str = "p2";
                const P3: &str = "p3";
                let name = site.name.as_str();
                match (name, site.naming) {
                    ("p0", Naming::Literal) => sites!($krate, "p0", site.form),
                    ("p1", Naming::Literal) => sites!($krate, "p1", site.form),
                    ("p2", Naming::Literal) => sites!($krate, "p2", site.form),
                    ("p3", Naming::Literal) => sites!($krate, "p3", site.form),
                    ("p0", Naming::Const) => sites!($krate, P0, site.form),
                    ("p1", Naming::Const) => sites!($krate, P1, site.form),
                    ("p2", Naming::Const) => sites!($krate, P2, site.form),
                    ("p3", Naming::Const) => sites!($krate, P3, site.form),
                    _ => sites!($krate, name, site.form),
                }
            }
        }
    };
}

implementation! {
    /// `fail` 0.5.1 from the registry.
    Real, real, (), ()
}

implementation! {
    /// The replacement.
    Ours, ours, Option<ours::Entered>, SCOPE.get().map(ours::Scope::enter)
}

/// The scope that the replacement is in, if it is in one.
static SCOPE: OnceLock<ours::Scope> = OnceLock::new();

/// Puts the replacement into a scope, for as long as this process lives.
pub(crate) fn begin_scope() {
    SCOPE.get_or_init(ours::Scope::new);
}
