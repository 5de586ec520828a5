//! Models of writers against hits and against each other.

use loom::thread;
use std::sync::Arc;

use crate::engine::actions::action::Action;
use crate::engine::models::harness::{
    configure, deadlocks, explore, find, look, point, remove, table_of, wait_as_task,
    wait_as_thread,
};
use crate::engine::point::Point;
use crate::engine::site::{Site, SiteKind};
use crate::engine::sync::Ordering;
use crate::engine::table::{Registry, STEP, View};

/// Hits while `write` runs in another thread; the hit after the join has to see the point.
fn hit_by_name_during(write: fn(&Registry)) {
    explore(move || {
        let registry = Arc::new(Registry::new());
        let read = registry.read_env(true, || Ok::<_, ()>(Vec::new()));
        assert!(read.is_ok());
        let writer = thread::spawn({
            let registry = registry.clone();
            move || write(&registry)
        });
        let hit = || !registry.is_idle() && find(&registry, "p").is_some();
        hit();
        writer.join().unwrap();
        assert!(hit(), "the configuration is lost");
    });
}

#[test]
fn a_hit_by_name_sees_what_was_published_before() {
    hit_by_name_during(|registry| configure(registry, "p", "off"));
}

#[test]
#[should_panic(expected = "the configuration is lost")]
fn caught_publishing_without_a_bump() {
    hit_by_name_during(|registry| {
        registry.publish(table_of(point(registry, "p", "off")));
    });
}

/// Two hits by name during `configure`, by a thread that keeps its view; the hit after the join has
/// to see the point.
fn view_during_configure(refresh: fn(&mut View, &Registry)) {
    explore(move || {
        let registry = Arc::new(Registry::new());
        let writer = thread::spawn({
            let registry = registry.clone();
            move || configure(&registry, "p", "off")
        });
        let mut view = View::default();
        let mut hit = || {
            refresh(&mut view, &registry);
            look(&view, "p").is_some()
        };
        hit();
        hit();
        writer.join().unwrap();
        assert!(hit(), "the view is stale");
    });
}

#[test]
fn a_kept_view_sees_what_was_published_before() {
    view_during_configure(|view, registry| {
        view.refresh(registry);
    });
}

#[test]
#[should_panic(expected = "the view is stale")]
fn caught_reading_the_generation_after_the_snapshot() {
    view_during_configure(|view, registry| {
        if view.generation != registry.generation() {
            view.load(registry, 0);
            view.generation = registry.generation();
        }
    });
}

/// A paused point is hit at a call site while `write` ends that configuration: the hit's `wait` has
/// to end, and its second hit may not see the old point.
fn paused_during(wait: fn(&Arc<Point>), write: fn(&Registry)) {
    explore(move || {
        let registry = Arc::new(Registry::new());
        configure(&registry, "p", "pause");
        let hitter = thread::spawn({
            let registry = registry.clone();
            move || {
                let site = Site::new("p", SiteKind::Blocks);
                let mut view = View::default();
                let mut hit = || match site.is_clear(&registry) {
                    true => None,
                    false => site.look_up(&registry, &mut view).cloned(),
                };
                let first = hit().filter(|p| p.pick(None) == Some(&Action::Pause));
                if let Some(first) = first {
                    wait(&first);
                    let is_old = hit().is_some_and(|second| Arc::ptr_eq(&first, &second));
                    assert!(!is_old, "woken into the old configuration");
                }
            }
        });
        write(&registry);
        hitter.join().unwrap();
    });
}

#[test]
fn a_paused_thread_goes_on_when_its_point_is_removed() {
    paused_during(wait_as_thread, |registry| remove(registry, "p"));
}

#[test]
fn a_paused_thread_goes_on_when_its_point_is_replaced() {
    paused_during(wait_as_thread, |registry| configure(registry, "p", "off"));
}

#[test]
#[should_panic(expected = "woken into the old configuration")]
fn caught_retiring_before_publishing() {
    paused_during(wait_as_thread, |registry| {
        let old = find(registry, "p").unwrap();
        let writer = registry.write();
        Registry::retire(&[old]).wake();
        registry.publish(None);
        registry.bump(true);
        drop(writer);
    });
}

#[test]
fn caught_not_retiring() {
    deadlocks(|| {
        paused_during(wait_as_thread, |registry| {
            let writer = registry.write();
            registry.publish(None);
            registry.bump(true);
            drop(writer);
        });
    });
}

/// Two concurrent writers, each with a name of its own.
fn two_writers(write: fn(&Registry, &str)) {
    explore(move || {
        let registry = Arc::new(Registry::new());
        let before = registry.generation();
        let other = thread::spawn({
            let registry = registry.clone();
            move || write(&registry, "a")
        });
        write(&registry, "b");
        other.join().unwrap();
        for name in ["a", "b"] {
            assert!(find(&registry, name).is_some(), "{name} was overwritten");
        }
        assert_eq!(
            registry.generation(),
            before + 2 * STEP,
            "a writer was overwritten"
        );
    });
}

#[test]
fn two_writers_both_take_effect() {
    two_writers(|registry, name| configure(registry, name, "off"));
}

#[test]
#[should_panic(expected = "was overwritten")]
fn caught_writing_without_the_mutex() {
    two_writers(|registry, name| {
        let point = point(registry, name, "off");
        let replaced = registry.replace(|table| table.insert(point).into_iter().collect());
        replaced.finish(&[]);
    });
}

/// Two threads that both make the first use: each has to see the environment's point.
fn two_first_uses(read: fn(&Registry)) {
    explore(move || {
        let registry = Arc::new(Registry::new());
        let first_use = move |registry: &Registry| {
            if !registry.is_env_read() {
                read(registry);
            }
            let found = find(registry, "p").is_some();
            assert!(found, "a hit went past the environment");
        };
        let other = thread::spawn({
            let registry = registry.clone();
            move || first_use(&registry)
        });
        first_use(&registry);
        other.join().unwrap();
    });
}

fn read_env(registry: &Registry) {
    let read = registry.read_env(true, || Ok::<_, ()>(vec![point(registry, "p", "off")]));
    assert!(read.is_ok());
}

#[test]
fn no_first_use_goes_past_the_reading_of_the_environment() {
    two_first_uses(read_env);
}

#[test]
#[should_panic(expected = "a hit went past the environment")]
fn caught_calling_the_environment_read_before_its_points_are_published() {
    two_first_uses(|registry| {
        let _writer = registry.write();
        registry.env_read.store(true, Ordering::Release);
        registry.publish(table_of(point(registry, "p", "off")));
    });
}

/// A hit by name during the first reading, which configures its point: it may not conclude that
/// nothing is configured.
fn hit_by_name_during_the_reading(is_idle: fn(&Registry) -> bool) {
    explore(move || {
        let registry = Arc::new(Registry::new());
        let reader = thread::spawn({
            let registry = registry.clone();
            move || read_env(&registry)
        });
        assert!(!is_idle(&registry), "a hit went past the environment");
        reader.join().unwrap();
    });
}

#[test]
fn no_hit_by_name_goes_past_the_reading_of_the_environment() {
    hit_by_name_during_the_reading(Registry::is_idle);
}

#[test]
#[should_panic(expected = "a hit went past the environment")]
fn caught_asking_for_an_empty_table_before_the_reading() {
    hit_by_name_during_the_reading(|registry| registry.is_empty() && registry.is_env_read());
}

#[test]
fn a_paused_task_goes_on_when_its_point_is_removed() {
    paused_during(wait_as_task, |registry| remove(registry, "p"));
}

#[test]
fn a_paused_task_goes_on_when_its_point_is_replaced() {
    paused_during(wait_as_task, |registry| configure(registry, "p", "off"));
}
