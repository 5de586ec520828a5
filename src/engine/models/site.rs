//! Models of the generation cache (I4).

use std::sync::Arc;

use loom::thread;

use crate::engine::models::harness::{configure, explore, point, remove, table_of};
use crate::engine::site::{Site, SiteKind};
use crate::engine::sync::Ordering;
use crate::engine::table::{Registry, View};

type LookUp = fn(&Site, &Registry, &mut View) -> bool;

/// A hit as the macros do it, in the thread that `view` belongs to.
fn look_up(site: &Site, registry: &Registry, view: &mut View) -> bool {
    site.look_up(registry, view).is_some()
}

/// Hits a site while `write` runs in another thread; after that the site has to find the point that
/// `write` left configured.
fn site_during(write: fn(&Registry), look_up: LookUp) {
    explore(move || {
        let registry = Arc::new(Registry::new());
        let site = Arc::new(Site::new("p", SiteKind::Blocks));
        let writer = thread::spawn({
            let registry = registry.clone();
            move || write(&registry)
        });
        let mut view = View::default();
        let mut hit = || !site.is_clear(&registry) && look_up(&site, &registry, &mut view);
        hit();
        hit();
        writer.join().unwrap();
        assert!(hit(), "the site sleeps through its configuration");
    });
}

#[test]
fn a_site_sees_what_was_published_before() {
    site_during(|registry| configure(registry, "p", "off"), look_up);
}

#[test]
fn a_site_sees_a_name_that_comes_back() {
    let write = |registry: &Registry| {
        configure(registry, "p", "off");
        remove(registry, "p");
        configure(registry, "p", "off");
    };
    site_during(write, look_up);
}

#[test]
#[should_panic(expected = "the site sleeps through its configuration")]
fn caught_bumping_before_publishing() {
    let write = |registry: &Registry| {
        let _writer = registry.write();
        registry.bump(false);
        registry.publish(table_of(point(registry, "p", "off")));
    };
    site_during(write, look_up);
}

#[test]
#[should_panic(expected = "the site sleeps through its configuration")]
fn caught_reading_the_generation_after_the_look_up() {
    let late: LookUp = |site, registry, view| {
        view.refresh(registry);
        let found = view.get(site.hash(), site.name).0.is_some();
        let generation = registry.generation();
        if !found {
            site.known.store(generation, Ordering::Relaxed);
        }
        found
    };
    site_during(|registry| configure(registry, "p", "off"), late);
}

/// Two threads hit one site: what one of them remembers holds for the other, too.
#[test]
fn two_threads_share_a_site() {
    explore(|| {
        let registry = Arc::new(Registry::new());
        let site = Arc::new(Site::new("p", SiteKind::Blocks));
        let other = thread::spawn({
            let (registry, site) = (registry.clone(), site.clone());
            move || !site.is_clear(&registry) && look_up(&site, &registry, &mut View::default())
        });
        configure(&registry, "p", "off");
        assert!(
            !site.is_clear(&registry),
            "idle though its name is configured"
        );
        assert!(look_up(&site, &registry, &mut View::default()));
        other.join().unwrap();
        assert!(
            !site.is_clear(&registry),
            "idle though its name is configured"
        );
    });
}
