# In every form, `pause` holds the thread until the point is removed.
# shows: cfg: pause
# shows: cfg: the supported tasks
configure p0 as pause
    both: configured
start in T0: hit p0
start in T1: hit p0 with closure
start in T2: hit p0 with closure if true
start in T3: hit p0 with closure if false
start in T4: hit p0 as expression
start in T5: hit p0 with closure as expression
start in T6: hit p0 with diverging closure
start in T7: hit p0 with closure that removes the point
start in T8: hit p0 through eval
wait until T0 is blocked
    both: blocked
wait until T1 is blocked
    both: blocked
wait until T2 is blocked
    both: blocked
wait until T3 is blocked
    both: finished
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
remove p0
    both: removed
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
