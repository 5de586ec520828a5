# A count is one over all threads and all sites of the name.
# shows: cfg: a count is one over all threads
configure p0 as 500*return(x)->250*return(y)
hit p0 with closure 4000 times in 4 threads
    both: 500 times returned "x" and 250 times returned "y" and 3250 times went on
configure p1 as 50%100*return(x)
hit p1 by run-time name with closure 2000 times in 4 threads
    both: 100 times returned "x" and 1900 times went on
