# All call sites of one name take the same actions, a count included.
# shows: crate: points of one name take the same actions
configure p0 as 3*return(shared)
hit p0 with closure
    both: returned "shared"
hit p0 by run-time name with closure if true
    both: returned "shared"
hit p0 by const name through eval
    both: returned "shared"
hit p0 with closure
    both: went on
