# Tasks that only take time hold up nobody else's configuration.
# shows: crate: combinations of points in several threads
configure p0 as sleep(300)
start in A: hit p0
wait until A is blocked
configure p0 as 1*yield->1*delay(1)->off
    both: configured
hit p0 3 times
    both: 3 times went on
wait for A
    both: went on
