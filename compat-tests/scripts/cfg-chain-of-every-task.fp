# All tasks in one chain, each once.
# shows: cfg: the supported tasks
# shows: crate: panics, early returns and sleeping
configure p0 as 1*off->1*return->1*return(x)->1*sleep(1)->1*panic->1*panic(y)->1*print->1*print(z)->1*yield->1*delay(1)->1*pause
hit p0 with closure 10 times
start in A: hit p0 with closure
wait until A is blocked
    both: blocked
hit p0 with closure
    both: went on
configure p0 as off
wait for A
    both: went on
