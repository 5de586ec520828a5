//! Programs about time: leases, deadlines, rates.

use super::bug_and_fix;
use crate::common::spawn_task;
use neon_failpoint::{fail_point, fail_point_with_context, failpoint_context};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, sleep_until, timeout};

const SECOND: Duration = Duration::from_secs(1);

/// A task that lets so much time pass at some point of the run: the clock alone does not go on while a
/// task stands at a failpoint.
async fn time_passes(time: Duration) {
    fail_point!("time-passes");
    tokio::time::advance(time).await;
}

/// Who holds the lease, until when, and the value that only its holder may write.
#[derive(Default)]
struct Leased {
    until: Option<Instant>,
    token: u64,
    value: u64,
}

async fn acquire(store: &Mutex<Leased>) -> u64 {
    loop {
        let until = {
            let mut leased = store.lock().unwrap();
            match leased.until {
                Some(until) if until > Instant::now() => until,
                _ => {
                    leased.until = Some(Instant::now() + 10 * SECOND);
                    leased.token += 1;
                    return leased.token;
                }
            }
        };
        sleep_until(until).await;
    }
}

/// Adds 1 under a lease, with a call between reading and writing that takes `latency`.
async fn add_under_a_lease(store: Arc<Mutex<Leased>>, latency: Duration, fixed: bool) {
    loop {
        let token = acquire(&store).await;
        let seen = store.lock().unwrap().value;
        sleep(latency).await;
        fail_point_with_context!("lease-held", &failpoint_context! { "token" => token });
        let mut leased = store.lock().unwrap();
        if fixed && leased.token != token {
            continue;
        }
        leased.value = seen + 1;
        leased.until = None;
        return;
    }
}

#[test]
fn lease_without_fencing() {
    bug_and_fix("a write under a lost lease", |fixed| async move {
        let store = Arc::new(Mutex::new(Leased::default()));
        let mut workers = JoinSet::new();
        for latency in [12 * SECOND, 3 * SECOND] {
            workers.spawn(add_under_a_lease(store.clone(), latency, fixed));
        }
        workers.join_all().await;
        let value = store.lock().unwrap().value;
        assert_eq!(value, 2, "a write under a lost lease");
    });
}

/// The holder is not slow by itself; it is overtaken by the clock between any two of its steps.
#[test]
fn lease_that_ran_out_in_between() {
    bug_and_fix("a write under a lost lease", |fixed| async move {
        let store = Arc::new(Mutex::new(Leased::default()));
        let mut tasks = JoinSet::new();
        for _ in 0..2 {
            tasks.spawn(add_under_a_lease(store.clone(), Duration::ZERO, fixed));
        }
        tasks.spawn(time_passes(11 * SECOND));
        // A guard that is longer than all that passes is in nobody's way.
        timeout(60 * SECOND, tasks.join_all()).await.unwrap();
        let value = store.lock().unwrap().value;
        assert_eq!(value, 2, "a write under a lost lease");
    });
}

/// The caller gives up, and takes the late answer for that to its next question.
#[test]
fn late_answer() {
    type Message = (u32, Duration);
    async fn ask(
        server: &mpsc::Sender<Message>,
        answers: &mut mpsc::Receiver<u32>,
        question: Message,
        fixed: bool,
    ) -> Option<u32> {
        server.send(question).await.unwrap();
        let answer = async {
            loop {
                let answer = answers.recv().await;
                if !fixed || answer == Some(question.0) {
                    return answer;
                }
            }
        };
        timeout(2 * SECOND, answer).await.ok().flatten()
    }
    async fn two_questions(takes: Duration, passes: Duration, fixed: bool) {
        let (server, mut questions) = mpsc::channel::<Message>(8);
        let (answers, mut inbox) = mpsc::channel(8);
        spawn_task(async move {
            while let Some((id, takes)) = questions.recv().await {
                sleep(takes).await;
                fail_point!("answer-send");
                if answers.send(id).await.is_err() {
                    return;
                }
            }
        });
        spawn_task(time_passes(passes));
        ask(&server, &mut inbox, (1, takes), fixed).await;
        let second = ask(&server, &mut inbox, (2, SECOND / 2), fixed).await;
        assert!(second.is_none_or(|id| id == 2), "the answer to question 1");
    }
    // The server is slow, or it is overtaken by the clock.
    for (takes, passes) in [(3 * SECOND, Duration::ZERO), (SECOND / 2, 2 * SECOND)] {
        bug_and_fix("the answer to question 1", |fixed| {
            two_questions(takes, passes, fixed)
        });
    }
}

/// A reaper looks for idle sessions, and closes one that was used in between.
#[test]
fn reaped_while_used() {
    bug_and_fix("a session in use was closed", |fixed| async move {
        let used = Arc::new(Mutex::new((Instant::now(), true)));
        let reaper = spawn_task({
            let used = used.clone();
            async move {
                let mut ticks = interval(SECOND);
                for _ in 0..3 {
                    ticks.tick().await;
                    let idle = |last: Instant| last.elapsed() >= 2 * SECOND;
                    let last = used.lock().unwrap().0;
                    if idle(last) {
                        fail_point!("session-reap");
                        let mut used = used.lock().unwrap();
                        if !fixed || idle(used.0) {
                            used.1 = false;
                        }
                    }
                }
            }
        });
        sleep(2 * SECOND).await;
        fail_point!("session-use");
        let open = {
            let mut used = used.lock().unwrap();
            used.0 = Instant::now();
            used.1
        };
        reaper.await.unwrap();
        assert!(
            !open || used.lock().unwrap().1,
            "a session in use was closed"
        );
    });
}

/// Two requests a second: what a bucket holds is computed from the time of the last request.
#[test]
fn rate_limit_exceeded() {
    bug_and_fix("3 requests at once", |fixed| async move {
        let bucket = Arc::new(tokio::sync::Mutex::new((Instant::now(), 2.0)));
        let mut clients = JoinSet::new();
        for _ in 0..3 {
            let bucket = bucket.clone();
            clients.spawn(async move {
                fail_point!("request");
                let mut held = bucket.lock().await;
                let (last, tokens) = *held;
                if !fixed {
                    drop(held);
                    fail_point!("bucket-read");
                    held = bucket.lock().await;
                } else {
                    fail_point!("bucket-read");
                }
                let tokens = f64::min(2.0, tokens + 2.0 * last.elapsed().as_secs_f64());
                if tokens < 1.0 {
                    return false;
                }
                *held = (Instant::now(), tokens - 1.0);
                true
            });
        }
        let passed = clients.join_all().await;
        let passed = passed.into_iter().filter(|&passed| passed).count();
        assert_eq!(passed, 2, "{passed} requests at once");
    });
}

/// A hedged request: the second is sent when the first is slow, and both are charged.
#[test]
fn hedged_and_charged_twice() {
    bug_and_fix("charged 2 times", |fixed| async move {
        let charged = Arc::new(Mutex::new(0));
        let send = |takes: Duration| {
            let (charged, (done, answer)) = (charged.clone(), oneshot::channel());
            let charge = spawn_task(async move {
                sleep(takes).await;
                fail_point!("charge");
                *charged.lock().unwrap() += 1;
                done.send(()).unwrap_or_default();
            });
            (charge.abort_handle(), answer)
        };
        let (first, mut answer) = send(2 * SECOND);
        if timeout(SECOND, &mut answer).await.is_err() {
            let (second, hedge) = send(SECOND);
            tokio::select! {
                _ = answer => if fixed { second.abort() },
                _ = hedge => if fixed { first.abort() },
            }
        }
        sleep(5 * SECOND).await;
        let charged = *charged.lock().unwrap();
        assert_eq!(charged, 1, "charged {charged} times");
    });
}
