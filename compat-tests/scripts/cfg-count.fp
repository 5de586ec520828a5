# A count is the exact number of times that an action fires.
# shows: cfg: p% is a probability and cnt* a maximum
configure p0 as 3*return(x)
hit p0 with closure 10 times
    both: 3 times returned "x" and 7 times went on
configure p1 as 0*return(never)
hit p1 with closure 3 times
    both: 3 times went on
configure p2 as 18446744073709551615*return(many)
hit p2 with closure 3 times
    both: 3 times returned "many"
configure p3 as 1*panic(once)
hit p3 3 times
    both: once panicked "once" and 2 times went on
