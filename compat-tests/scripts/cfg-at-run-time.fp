# One site, configured again and again while the program runs.
# shows: cfg: configures at run time
# shows: crate: errors and other behavior are injected at run time
hit p0 with closure
    both: went on
configure p0 as return(1)
    both: configured
hit p0 with closure
    both: returned "1"
configure p0 as panic(two)
hit p0 with closure
    both: panicked "two"
configure p0 as off
hit p0 with closure
    both: went on
