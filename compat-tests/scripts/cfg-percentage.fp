# A percentage is the probability of each hit.
# shows: cfg: p% is a probability and cnt* a maximum
# shows: crate: control by program and environment, conditionally and probabilistically
configure p0 as 25%return(x)
hit p0 with closure 20000 times as a sample
    both: of 20000: 25% returned "x" and 75% went on
configure p0 as 0.5%return(x)
hit p0 with closure 20000 times as a sample
    both: of 20000: 0.5% returned "x" and 99.5% went on
configure p0 as 50%return(x)->50%return(y)->50%return(z)
hit p0 with closure 20000 times as a sample
    both: of 20000: 50% returned "x" and 25% returned "y" and 12.5% returned "z" and 12.5% went on
