//! Models of scopes against each other, and of their end (I9).

use std::sync::Arc;

use loom::thread;

use crate::engine::actions::chain;
use crate::engine::actions::matcher::Memory;
use crate::engine::draws::Draws;
use crate::engine::layers::Cause;
use crate::engine::models::harness::{deadlocks, explore, wait_as_thread, wake};
use crate::engine::name::hash;
use crate::engine::point::{Made, Point};
use crate::engine::scope::{Home, Node};
use crate::engine::table::Registry;

fn cause() -> Cause {
    Cause::here("changed")
}

/// Creates a point of the one name that the models use, in a scope.
fn point(registry: &Registry, scope: &Arc<Node>, actions: &str) -> Arc<Point> {
    let alternatives =
        chain::parse(actions, false, &mut Memory::of_a_call()).expect("valid actions");
    registry.point(
        &Home(Some(scope.clone())),
        Made::configured(),
        "p",
        alternatives,
        None,
    )
}

fn configure(registry: &Registry, scope: &Arc<Node>, actions: &str) -> Arc<Point> {
    let points = [point(registry, scope, actions)];
    assert!(registry.put(&points, Some(cause())).is_ok());
    let [point] = points;
    point
}

fn find(registry: &Registry, scope: &Arc<Node>) -> Option<Arc<Point>> {
    registry.find(&Home(Some(scope.clone())), hash("p"), "p")
}

/// A hit that pauses in a scope, while that ends.
fn pause_during(end: fn(&Registry, &Arc<Node>)) {
    explore(move || {
        let (registry, scope) = (Arc::new(Registry::new()), Node::new(None, &Draws::new()));
        configure(&registry, &scope, "pause");
        let hitter = thread::spawn({
            let (registry, scope) = (registry.clone(), scope.clone());
            move || {
                if let Some(point) = find(&registry, &scope) {
                    wait_as_thread(&point);
                    assert!(find(&registry, &scope).is_none(), "woken into its scope");
                }
            }
        });
        end(&registry, &scope);
        hitter.join().unwrap();
    });
}

#[test]
fn a_pause_ends_with_its_scope() {
    pause_during(|registry, scope| registry.end(scope, cause()));
}

#[test]
fn caught_ending_a_scope_without_its_waits() {
    deadlocks(|| pause_during(|registry, _| drop(registry.publish(None))));
}

/// A hit pauses in one scope while `change` is made in `another`, and only then is its wait ended.
fn pause_beside(change: fn(&Registry, another: &Arc<Node>, own: &Arc<Node>)) {
    explore(move || {
        let registry = Registry::new();
        let (own, another) = (
            Node::new(None, &Draws::new()),
            Node::new(None, &Draws::new()),
        );
        let point = configure(&registry, &own, "pause");
        let hitter = thread::spawn({
            let point = point.clone();
            move || wait_as_thread(&point)
        });
        change(&registry, &another, &own);
        assert!(!point.waiters.was_cut_short(), "woken by another scope");
        wake(|wakeups| wakeups.retire(&point));
        hitter.join().unwrap();
    });
}

#[test]
fn a_pause_outlasts_what_happens_in_another_scope() {
    pause_beside(|registry, another, _| {
        configure(registry, another, "off");
        registry.end(another, cause());
    });
}

#[test]
#[should_panic(expected = "woken by another scope")]
fn caught_ending_a_name_in_all_scopes() {
    pause_beside(|registry, another, own| {
        configure(registry, another, "off");
        let replaced = registry.replace(|table| {
            let scopes = [another, own].into_iter();
            scopes
                .filter_map(|scope| table.remove(scope.id(), hash("p"), "p"))
                .collect()
        });
        replaced.finish(&[]);
    });
}

/// A guard is armed in a scope while that ends: nothing of it may stay.
fn arm_during_the_end(arm: fn(&Registry, &Arc<Node>)) {
    explore(move || {
        let (registry, scope) = (Arc::new(Registry::new()), Node::new(None, &Draws::new()));
        configure(&registry, &scope, "off");
        let armer = thread::spawn({
            let (registry, scope) = (registry.clone(), scope.clone());
            move || arm(&registry, &scope)
        });
        registry.end(&scope, cause());
        armer.join().unwrap();
        assert!(
            find(&registry, &scope).is_none(),
            "armed in a scope that has ended"
        );
    });
}

#[test]
fn nothing_is_armed_in_a_scope_that_has_ended() {
    arm_during_the_end(|registry, scope| {
        let armed = registry.arm(&point(registry, scope, "pause"), cause());
        if let Ok((_, replaced)) = armed {
            replaced.finish(&[]);
        }
    });
}

#[test]
#[should_panic(expected = "armed in a scope that has ended")]
fn caught_looking_at_the_end_before_the_lock() {
    arm_during_the_end(|registry, scope| {
        let point = point(registry, scope, "pause");
        if !point.home().is_ended() {
            let _writer = registry.write();
            registry
                .replace(|table| table.insert(point.clone()).into_iter().collect())
                .finish(&[]);
        }
    });
}
