# The condition decides whether the point is looked at.
# shows: fail_point!: a name, a condition and a closure
# shows: crate: control by program and environment, conditionally and probabilistically
hit p0 with closure if true
    both: went on
configure p0 as return(x)
hit p0 with closure if false
    both: went on
hit p0 with closure if true
    both: returned "x"
configure p0 as panic
hit p0 with closure if false
    both: went on
hit p0 with closure if true
    both: panicked "failpoint p0 panic"
