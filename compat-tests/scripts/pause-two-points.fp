# Two points paused at once are let go one by one.
# shows: cfg: pause
configure p0 as pause
configure p1 as pause
start in A: hit p0
start in B: hit p1
wait until A is blocked
wait until B is blocked
remove p1
wait for B
    both: went on
wait until A is blocked
    both: blocked
remove p0
wait for A
    both: went on
