//! Models of waiting against retirement (I3).

use loom::thread;
use std::sync::Arc;

use crate::engine::models::harness::{Flag, deadlocks, explore, point, wait_as_thread, wake};
use crate::engine::point::Point;
use crate::engine::sync::lock;
use crate::engine::table::Registry;
use crate::engine::wait::Waiter;
use crate::engine::waiters::{Entry, Who};
use crate::engine::wakeups::Wakeups;

/// Waits as a task that is polled with a different waker each time.
fn await_with_changing_wakers(point: &Arc<Point>) {
    let mut waiter = Waiter::new(point.clone(), None, None);
    loop {
        let (_, first) = Flag::new();
        if waiter.poll(&first).is_ready() {
            return;
        }
        let (flag, second) = Flag::new();
        if waiter.poll(&second).is_ready() {
            return;
        }
        flag.wait();
    }
}

/// Enters the list without having checked `retired` under the same lock.
fn wait_without_looking_again(point: &Arc<Point>) {
    let (flag, waker) = Flag::new();
    if lock(&point.waiters.list).retired {
        return;
    }
    lock(&point.waiters.list).entries.push(Entry {
        who: Who::Task(waker),
        since: std::time::Instant::now(),
        details: None,
        paused_at: None,
    });
    flag.wait();
}

fn retire(point: &Arc<Point>) {
    wake(|wakeups| wakeups.retire(point));
}

/// Takes the present waiters, and sets `retired` only later.
fn retire_in_two_steps(point: &Arc<Point>) {
    let mut wakeups = Wakeups::default();
    let mut list = lock(&point.waiters.list);
    wakeups.add(point, list.entries.take());
    drop(list);
    lock(&point.waiters.list).retired = true;
    wakeups.wake();
}

/// Runs `wait` in another thread and `retire` in this one: the wait has to end, and to leave
/// nothing in the list.
fn wait_against(wait: fn(&Arc<Point>), retire: fn(&Arc<Point>)) {
    explore(move || {
        let point = point(&Registry::new(), "p", "pause");
        let waiter = thread::spawn({
            let point = point.clone();
            move || wait(&point)
        });
        retire(&point);
        waiter.join().unwrap();
        assert!(point.waiters.infos().is_empty());
    });
}

#[test]
fn retirement_ends_a_blocking_wait() {
    wait_against(wait_as_thread, retire);
}

#[test]
fn retirement_ends_an_async_wait_whoever_polls_it_last() {
    wait_against(await_with_changing_wakers, retire);
}

#[test]
fn caught_retiring_in_two_steps_under_a_blocking_wait() {
    deadlocks(|| wait_against(wait_as_thread, retire_in_two_steps));
}

#[test]
fn caught_retiring_in_two_steps_under_an_async_wait() {
    deadlocks(|| wait_against(await_with_changing_wakers, retire_in_two_steps));
}

#[test]
fn caught_waiting_without_a_second_look() {
    deadlocks(|| wait_against(wait_without_looking_again, retire));
}

/// Drops a future while its point is retired, beside another waiter.
#[test]
fn dropping_one_waiter_leaves_the_others_theirs() {
    explore(|| {
        let point = point(&Registry::new(), "p", "pause");
        let waiter = thread::spawn({
            let point = point.clone();
            move || wait_as_thread(&point)
        });
        let dropped = thread::spawn({
            let point = point.clone();
            move || {
                let mut waiter = Waiter::new(point, None, None);
                let (_, waker) = Flag::new();
                let _ = waiter.poll(&waker);
            }
        });
        retire(&point);
        waiter.join().unwrap();
        dropped.join().unwrap();
        assert!(point.waiters.infos().is_empty());
    });
}
