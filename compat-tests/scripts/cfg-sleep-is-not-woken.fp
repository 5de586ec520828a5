# A sleep takes all its time, whatever happens to its point.
# shows: cfg: sleep is not woken
configure p0 as sleep(700)
start in A: hit p0 for at least 700 ms
start in B: hit p0 with closure for at least 700 ms
start in C: hit p0 with closure if true for at least 700 ms
wait until A is blocked
    both: blocked
configure p0 as return
hit p0 with closure
    both: returned nothing
remove p0
    both: removed
wait for A
    both: went on, then took at least 700 ms
wait for B
    both: went on, then took at least 700 ms
wait for C
    both: went on, then took at least 700 ms
