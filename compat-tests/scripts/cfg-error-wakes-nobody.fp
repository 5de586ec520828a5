# A refused text leaves paused threads where they are.
# shows: cfg: an error leaves everything as it was
configure p0 as pause
start in A: hit p0
wait until A is blocked
    both: blocked
configure p0 as nonsense
    both: refused "unrecognized command \"nonsense\""
wait until A is blocked
    both: blocked
configure p0 as off
wait for A
    both: went on
