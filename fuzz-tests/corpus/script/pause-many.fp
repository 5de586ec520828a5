# Twenty threads at one point are all let go. (That releasing many does not
# hold up anybody else is a matter of time, which the benchmark measures.)
# shows: cfg: pause
# shows: crate: combinations of points in several threads
configure p0 as pause
start in T0: hit p0
start in T1: hit p0
start in T2: hit p0
start in T3: hit p0
start in T4: hit p0
start in T5: hit p0
start in T6: hit p0
start in T7: hit p0
start in T8: hit p0
start in T9: hit p0
start in T10: hit p0
start in T11: hit p0
start in T12: hit p0
start in T13: hit p0
start in T14: hit p0
start in T15: hit p0
start in T16: hit p0
start in T17: hit p0
start in T18: hit p0
start in T19: hit p0
wait until all is quiet
    both: quiet
wait until T0 is blocked
    both: blocked
wait until T1 is blocked
    both: blocked
wait until T2 is blocked
    both: blocked
wait until T3 is blocked
    both: blocked
wait until T4 is blocked
    both: blocked
wait until T5 is blocked
    both: blocked
wait until T6 is blocked
    both: blocked
wait until T7 is blocked
    both: blocked
wait until T8 is blocked
    both: blocked
wait until T9 is blocked
    both: blocked
wait until T10 is blocked
    both: blocked
wait until T11 is blocked
    both: blocked
wait until T12 is blocked
    both: blocked
wait until T13 is blocked
    both: blocked
wait until T14 is blocked
    both: blocked
wait until T15 is blocked
    both: blocked
wait until T16 is blocked
    both: blocked
wait until T17 is blocked
    both: blocked
wait until T18 is blocked
    both: blocked
wait until T19 is blocked
    both: blocked
configure p0 as off
wait for T0
    both: went on
wait for T1
    both: went on
wait for T2
    both: went on
wait for T3
    both: went on
wait for T4
    both: went on
wait for T5
    both: went on
wait for T6
    both: went on
wait for T7
    both: went on
wait for T8
    both: went on
wait for T9
    both: went on
wait for T10
    both: went on
wait for T11
    both: went on
wait for T12
    both: went on
wait for T13
    both: went on
wait for T14
    both: went on
wait for T15
    both: went on
wait for T16
    both: went on
wait for T17
    both: went on
wait for T18
    both: went on
wait for T19
    both: went on
