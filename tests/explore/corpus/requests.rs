//! Requests and their faults.

use super::bug_and_fix_with;
use crate::common::spawn_task;
use neon_failpoint::explore::Explorer;
use neon_failpoint::{
    FailpointResult, fail_point, fail_point_with_context, failpoint, failpoint_context,
};
use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, oneshot};

fn one_fault() -> Explorer {
    Explorer::new().faults(1, "return(connection lost)")
}

/// The reply is lost, the request is sent again, and applied again.
#[test]
fn retried_twice() {
    #[derive(Default)]
    struct Bank {
        balance: i64,
        seen: HashSet<u64>,
    }
    async fn deposit(bank: &Mutex<Bank>, id: u64, fixed: bool) -> Result<(), String> {
        fail_point!("deposit-request", Err);
        {
            let mut bank = bank.lock().unwrap();
            if !fixed || bank.seen.insert(id) {
                bank.balance += 10;
            }
        }
        fail_point!("deposit-reply", Err);
        Ok(())
    }
    bug_and_fix_with(one_fault, "left: 20", |fixed| async move {
        let bank = Mutex::new(Bank::default());
        while deposit(&bank, 1, fixed).await.is_err() {}
        assert_eq!(bank.lock().unwrap().balance, 10);
    });
}

/// A coordinator of two participants counts the votes that came, and one was lost.
#[test]
fn two_phase_commit_with_a_lost_vote() {
    enum Message {
        Prepare(oneshot::Sender<bool>),
        Commit,
        Abort,
    }
    async fn participant(mut inbox: mpsc::Receiver<Message>) -> (bool, bool) {
        let (mut prepared, mut committed) = (false, false);
        while let Some(message) = inbox.recv().await {
            match message {
                Message::Prepare(vote) => match failpoint!("vote").await {
                    FailpointResult::Continue => {
                        prepared = true;
                        vote.send(true).unwrap();
                    }
                    _ => drop(vote),
                },
                Message::Commit => committed = true,
                Message::Abort => prepared = false,
            }
        }
        (prepared, committed)
    }
    bug_and_fix_with(one_fault, "committed, not prepared", |fixed| async move {
        let (mut inboxes, mut participants, mut votes) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..2 {
            let (inbox, messages) = mpsc::channel(2);
            let (vote, voted) = oneshot::channel();
            participants.push(spawn_task(participant(messages)));
            assert!(inbox.send(Message::Prepare(vote)).await.is_ok());
            inboxes.push(inbox);
            votes.push(voted);
        }
        let mut came = Vec::new();
        for vote in votes {
            came.push(vote.await);
        }
        let commit = if fixed {
            came.iter().all(|vote| *vote == Ok(true))
        } else {
            came.iter().flatten().all(|yes| *yes)
        };
        for inbox in inboxes {
            let message = if commit {
                Message::Commit
            } else {
                Message::Abort
            };
            assert!(inbox.send(message).await.is_ok());
        }
        for participant in participants {
            let (prepared, committed) = participant.await.unwrap();
            assert!(prepared || !committed, "committed, not prepared");
        }
    });
}

/// A batch fails at its second row, and the first stays.
#[test]
fn half_a_batch() {
    async fn insert(table: &Mutex<Vec<u32>>, row: u32) -> Result<(), String> {
        let context = failpoint_context! { "row" => row };
        fail_point_with_context!("batch-insert", &context, |error| Err(format!(
            "row {row}: {error}"
        )));
        table.lock().unwrap().push(row);
        Ok(())
    }
    async fn insert_all(table: &Mutex<Vec<u32>>, fixed: bool) -> Result<(), String> {
        for row in 1..=3 {
            if let Err(error) = insert(table, row).await {
                if fixed {
                    table.lock().unwrap().clear();
                }
                return Err(error);
            }
        }
        Ok(())
    }
    let second = || Explorer::new().faults(1, "when(row=2|3)return(duplicate key)");
    bug_and_fix_with(second, "half a batch", |fixed| async move {
        let table = Mutex::new(Vec::new());
        let result = insert_all(&table, fixed).await;
        let rows = table.lock().unwrap().len();
        let whole = if result.is_ok() { rows == 3 } else { rows == 0 };
        if whole {
            Ok(())
        } else {
            Err(format!("half a batch: {result:?}"))
        }
    });
}

/// A circuit breaker lets one probe through, and stays half open when that fails.
#[test]
fn breaker_that_never_closes() {
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum State {
        Open,
        HalfOpen,
        Closed,
    }
    async fn call(state: &Mutex<State>, fixed: bool) -> Result<(), String> {
        {
            let mut state = state.lock().unwrap();
            match *state {
                State::HalfOpen => return Err("a probe is under way".to_owned()),
                State::Open => *state = State::HalfOpen,
                State::Closed => {}
            }
        }
        let probe = async {
            fail_point!("probe", Err);
            Ok(())
        };
        let result = probe.await;
        match &result {
            Ok(()) => *state.lock().unwrap() = State::Closed,
            Err(_) if fixed => *state.lock().unwrap() = State::Open,
            Err(_) => {}
        }
        result
    }
    bug_and_fix_with(one_fault, "no probe is under way", |fixed| async move {
        let state = Arc::new(Mutex::new(State::Open));
        let calls = [(); 2].map(|()| {
            let state = state.clone();
            spawn_task(async move { call(&state, fixed).await })
        });
        for call in calls {
            let _ = call.await.unwrap();
        }
        let _ = call(&state, fixed).await;
        let state = *state.lock().unwrap();
        assert_ne!(state, State::HalfOpen, "no probe is under way");
    });
}
