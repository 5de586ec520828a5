# A callback that is held up holds up nobody else; its own removal is possible
# meanwhile.
# shows: cfg_callback: may hit points
configure p1 as pause
configure p0 with callback
    hit p1
    say "awake"
end
start in A: hit p0
wait until A is blocked
    both: blocked
hit p2
remove p0
    both: removed
wait until A is blocked
    both: blocked
remove p1
wait for A
    both: went on, then said "awake", then went on
