# While one point is paused, others are hit, configured, listed and removed.
# shows: crate: combinations of points in several threads
# shows: crate: fail points are global
configure p0 as pause
start in A: hit p0
wait until A is blocked
    both: blocked
configure p1 as return(1)
in B: hit p1 with closure
    both: returned "1"
hit p2
    both: went on
list
    both: "p0" = "pause", "p1" = "return(1)"
remove p1
remove p3
wait until A is blocked
    both: blocked
remove p0
wait for A
    both: went on
