# `teardown` wakes every paused thread.
# shows: FailScenario::teardown: wakes paused fail points
setup
configure p0 as pause
configure p1 as 1*pause->return(x)
start in A: hit p0
start in B: hit p1 with closure
wait until A is blocked
    both: blocked
wait until B is blocked
    both: blocked
teardown
    both: torn down
wait for A
    both: went on
wait for B
    both: went on
