# `setup` wakes who is paused at a point configured before it.
# shows: FailScenario::setup: clears what was configured before
configure p0 as pause
start in A: hit p0
wait until A is blocked
    both: blocked
setup
    both: set up
wait for A
    both: went on
