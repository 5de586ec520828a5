# fail clears before it reads, so a scenario that a bad value ends has cleared
# what was there: the replacement too.
# shows: FailScenario::setup: after a bad FAILPOINTS
environment p0=bad
configure p1 as pause
start in A: hit p1
wait until A is blocked
    both: blocked
setup
    both: panicked "unable to configure failpoint \"p0\": unrecognized command \"bad\""
wait for A
    both: went on
list
    real: panicked "called `Result::unwrap()` on an `Err` value: PoisonError { .. }"
    ours: nothing
