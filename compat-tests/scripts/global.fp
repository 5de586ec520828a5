# A point is one for all threads.
# shows: crate: fail points are global
in A: configure p0 as return(from A)
    both: configured
in B: hit p0 with closure
    both: returned "from A"
in B: remove p0
hit p0 with closure
    both: went on
in A: hit p0 with closure
    both: went on
