# Never at 0, always from 100 on.
# shows: cfg: p% is a probability and cnt* a maximum
configure p0 as 0%return(x)
hit p0 with closure 1000 times
    both: 1000 times went on
configure p0 as 100%return(x)
hit p0 with closure 1000 times
    both: 1000 times returned "x"
configure p0 as 125%2*return(x)
hit p0 with closure 4 times
    both: 2 times returned "x" and 2 times went on
configure p0 as inf%return(x)
    both: configured
hit p0 with closure 3 times
    both: 3 times returned "x"
configure p0 as infinity%return(x)
    both: configured
hit p0 with closure 3 times
    both: 3 times returned "x"
configure p0 as +1e2%return(x)
hit p0 with closure 3 times
    both: 3 times returned "x"
configure p0 as 1e39%return(x)
hit p0 with closure 3 times
    both: 3 times returned "x"
configure p0 as 1e-60%return(x)
hit p0 with closure 1000 times
    both: 1000 times went on
configure p0 as -0%return(x)
hit p0 with closure 1000 times
    both: 1000 times went on
