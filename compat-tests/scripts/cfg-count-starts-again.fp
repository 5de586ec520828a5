# The same text configured again counts from the start.
# shows: cfg: overwrites what was configured
configure p0 as 2*return(x)
hit p0 with closure 3 times
    both: 2 times returned "x" and once went on
configure p0 as 2*return(x)
hit p0 with closure 3 times
    both: 2 times returned "x" and once went on
remove p0
configure p0 as 1*return(x)
hit p0 with closure 3 times
    both: once returned "x" and 2 times went on
