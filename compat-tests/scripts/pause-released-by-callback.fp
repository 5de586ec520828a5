# The callback of one point releases a thread at another.
# shows: cfg_callback: may hit points
# shows: cfg: pause
configure p0 as pause
configure p1 with callback
    remove p0
end
start in A: hit p0
wait until A is blocked
    both: blocked
hit p1
    both: removed, then went on
wait for A
    both: went on
