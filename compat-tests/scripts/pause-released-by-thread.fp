# Any thread may release another, and the one that was paused the next.
# shows: crate: combinations of points in several threads
configure p0 as pause
configure p1 as pause
start in A: scope
    hit p0
    remove p1
end
start in B: hit p1
wait until A is blocked
    both: blocked
wait until B is blocked
    both: blocked
in C: remove p0
    both: removed
wait for A
    both: went on, then removed, then left the scope
wait for B
    both: went on
