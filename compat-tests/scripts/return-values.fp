# What the closure gets: nothing, or the text in the parentheses, whole.
# shows: crate: return leaves the function, with a value or without
# shows: crate: the closure makes the value to return
# shows: fail_point!: a name and a closure
configure p0 as return
hit p0 with closure
    both: returned nothing
configure p0 as return()
hit p0 with closure
    both: returned ""
configure p0 as return(100)
hit p0 with closure
    both: returned "100"
configure p0 as return( a b )
hit p0 with closure
    both: returned " a b "
configure p0 as "return(1%2*3(4))"
hit p0 with closure
    both: returned "1%2*3(4)"
