# Removing a point wakes who is paused there, all of them.
# shows: remove: wakes paused fail points
# shows: remove: removes
configure p0 as pause
start in A: hit p0
start in B: hit p0 with closure
start in C: hit p0 by run-time name through eval
wait until A is blocked
    both: blocked
wait until B is blocked
    both: blocked
wait until C is blocked
    both: blocked
remove p0
    both: removed
wait for A
    both: went on
wait for B
    both: went on
wait for C
    both: went on
list
    both: nothing
