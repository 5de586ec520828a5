# A paused thread goes on, past the point, when other actions are set; the new
# actions are for later hits.
# shows: cfg: pause
configure p0 as pause
start in A: hit p0 with closure
wait until A is blocked
    both: blocked
configure p0 as return(new)
    both: configured
wait for A
    both: went on
in A: hit p0 with closure
    both: returned "new"
