# The same pause set again lets go as well, and holds the next hit.
# shows: cfg: pause
configure p0 as pause
start in A: hit p0
wait until A is blocked
    both: blocked
configure p0 as pause
wait for A
    both: went on
start in A: hit p0
wait until A is blocked
    both: blocked
remove p0
wait for A
    both: went on
in A: hit p0
    both: went on
