# A pause with a count holds that many, the next hit takes what follows; a
# paused hit takes nothing more when it is let go.
# shows: cfg: pause
# shows: cfg: actions are checked in order
configure p0 as 2*pause->return(x)
start in A: hit p0 with closure
wait until A is blocked
    both: blocked
start in B: hit p0 with closure
wait until B is blocked
    both: blocked
hit p0 with closure
    both: returned "x"
wait until A is blocked
    both: blocked
remove p0
wait for A
    both: went on
wait for B
    both: went on
