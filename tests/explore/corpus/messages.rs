//! Notifications and messages that do not arrive, or not to whom they should.

use super::bug_and_fix;
use crate::common::spawn_task;
use neon_failpoint::compat::async_fail_point;
use neon_failpoint::{fail_point, pausable_failpoint};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use tokio::sync::{Notify, broadcast, mpsc, watch};

#[test]
fn lost_notification() {
    bug_and_fix("stuck", |fixed| async move {
        let ready = Arc::new((Mutex::new(false), Notify::new()));
        let waiter = spawn_task({
            let ready = ready.clone();
            async move {
                if fixed {
                    let notified = ready.1.notified();
                    if !*ready.0.lock().unwrap() {
                        fail_point!("ready-not-yet");
                        notified.await;
                    }
                } else if !*ready.0.lock().unwrap() {
                    fail_point!("ready-not-yet");
                    ready.1.notified().await;
                }
                assert!(*ready.0.lock().unwrap());
            }
        });
        fail_point!("ready-set");
        *ready.0.lock().unwrap() = true;
        ready.1.notify_waiters();
        waiter.await.unwrap();
    });
}

/// `Notify` stores one permit, not one for each job.
#[test]
fn two_notifications_become_one() {
    bug_and_fix("stuck", |fixed| async move {
        let queue = Arc::new((Mutex::new(VecDeque::new()), Notify::new()));
        let workers = [(); 2].map(|()| {
            let queue = queue.clone();
            spawn_task(async move {
                loop {
                    let (job, more) = {
                        let mut jobs = queue.0.lock().unwrap();
                        (jobs.pop_front(), !jobs.is_empty())
                    };
                    if let Some(job) = job {
                        if fixed && more {
                            queue.1.notify_one();
                        }
                        return job;
                    }
                    fail_point!("worker-idle");
                    queue.1.notified().await;
                }
            })
        });
        for job in 1..=2 {
            fail_point!("job-submit");
            queue.0.lock().unwrap().push_back(job);
            queue.1.notify_one();
        }
        let mut done = 0;
        for worker in workers {
            done += worker.await.unwrap();
        }
        assert_eq!(done, 3);
    });
}

/// The worker marks as seen what came while it applied something older.
#[test]
fn watched_value_missed() {
    bug_and_fix("left: 1", |fixed| async move {
        let (config, mut changes) = watch::channel(0);
        let worker = spawn_task(async move {
            let mut applied = 0;
            while changes.changed().await.is_ok() {
                let seen = if fixed {
                    *changes.borrow_and_update()
                } else {
                    *changes.borrow()
                };
                async_fail_point!("config-apply");
                applied = seen;
                if !fixed {
                    changes.mark_unchanged();
                }
            }
            applied
        });
        for version in 1..=2 {
            async_fail_point!("config-send");
            config.send(version).unwrap();
        }
        drop(config);
        assert_eq!(worker.await.unwrap(), 2);
    });
}

/// A follower copies the state, then subscribes to its changes.
#[test]
fn subscribed_after_the_snapshot() {
    bug_and_fix("the follower lags behind", |fixed| async move {
        let state = Arc::new(Mutex::new(vec!["a"]));
        let (changes, _) = broadcast::channel(4);
        let follower = spawn_task({
            let (state, changes) = (state.clone(), changes.clone());
            async move {
                let early = fixed.then(|| changes.subscribe());
                let mut copy = state.lock().unwrap().clone();
                pausable_failpoint!("snapshot-taken").await.unwrap();
                let mut events = early.unwrap_or_else(|| changes.subscribe());
                drop(changes);
                while let Ok(key) = events.recv().await {
                    if !copy.contains(&key) {
                        copy.push(key);
                    }
                }
                copy
            }
        });
        for key in ["b", "c"] {
            fail_point!("key-put");
            state.lock().unwrap().push(key);
            changes.send(key).unwrap_or_default();
        }
        drop(changes);
        let (copy, state) = (follower.await.unwrap(), state.lock().unwrap());
        assert_eq!(copy, *state, "the follower lags behind");
    });
}

/// `select!` drops a half-read frame when the other branch is ready first.
#[test]
fn frame_lost_in_a_select() {
    async fn frame(bytes: &mut mpsc::Receiver<u8>, buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
        while buffer.len() < 2 {
            buffer.push(bytes.recv().await?);
        }
        Some(std::mem::take(buffer))
    }
    bug_and_fix("the frame is damaged", |fixed| async move {
        let (wire, mut bytes) = mpsc::channel(8);
        let (commands, mut control) = mpsc::channel(1);
        spawn_task(async move {
            for byte in [1, 2, 3, 4] {
                fail_point!("byte-send");
                wire.send(byte).await.unwrap();
            }
        });
        spawn_task(async move {
            fail_point!("command-send");
            commands.send("ping").await.unwrap();
        });
        let mut frames = Vec::new();
        let mut kept = Vec::new();
        loop {
            let mut buffer = if fixed {
                std::mem::take(&mut kept)
            } else {
                Vec::new()
            };
            tokio::select! {
                frame = frame(&mut bytes, &mut buffer) => match frame {
                    Some(frame) => frames.push(frame),
                    None => break,
                },
                Some(_) = control.recv() => kept = buffer,
            }
        }
        assert_eq!(frames, [[1, 2], [3, 4]], "the frame is damaged");
    });
}

type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Gives the outputs in the order in which the futures end.
async fn as_they_end<T>(mut pending: Vec<Pending<T>>) -> Vec<T> {
    let mut ended = Vec::new();
    std::future::poll_fn(|cx| {
        pending.retain_mut(|future| match future.as_mut().poll(cx) {
            Poll::Ready(output) => {
                ended.push(output);
                false
            }
            Poll::Pending => true,
        });
        if pending.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    ended
}

#[test]
fn answers_in_the_order_of_completion() {
    async fn lookup(id: u32) -> (u32, String) {
        fail_point!("lookup");
        (id, format!("user-{id}"))
    }
    bug_and_fix("is called user-3", |fixed| async move {
        let ids = [1, 2, 3];
        let lookups = ids.map(|id| Box::pin(lookup(id)) as Pending<_>);
        let mut answers = as_they_end(Vec::from(lookups)).await;
        if fixed {
            answers.sort();
        }
        for (id, (_, name)) in ids.iter().zip(answers) {
            assert_eq!(name, format!("user-{id}"), "user {id} is called {name}");
        }
    });
}
