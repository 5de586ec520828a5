# A name may be a literal, a constant or a variable, in every form.
# shows: fail_point!: a name from a constant or a variable
configure p0 as return(p0)
configure p1 as return(p1)
configure p2 as return(p2)
configure p3 as return(p3)
hit p0
    both: panicked "Return is not supported for the fail point \"p0\""
hit p1 with closure
    both: returned "p1"
hit p2 with closure if true
    both: returned "p2"
hit p3 with closure if false
    both: went on
hit p0 as expression
    both: panicked "Return is not supported for the fail point \"p0\""
hit p1 with closure as expression
    both: returned "p1"
hit p2 with diverging closure
    both: panicked "the closure got Some(\"p2\")"
hit p3 with closure that removes the point
    both: returned "p3"
configure p3 as return(p3)
hit p0 through eval
    both: returned "p0"
hit p0 by const name
    both: panicked "Return is not supported for the fail point \"p0\""
hit p1 by const name with closure
    both: returned "p1"
hit p2 by const name with closure if true
    both: returned "p2"
hit p3 by const name with closure if false
    both: went on
hit p0 by const name as expression
    both: panicked "Return is not supported for the fail point \"p0\""
hit p1 by const name with closure as expression
    both: returned "p1"
hit p2 by const name with diverging closure
    both: panicked "the closure got Some(\"p2\")"
hit p3 by const name with closure that removes the point
    both: returned "p3"
configure p3 as return(p3)
hit p0 by const name through eval
    both: returned "p0"
hit p0 by run-time name
    both: panicked "Return is not supported for the fail point \"p0\""
hit p1 by run-time name with closure
    both: returned "p1"
hit p2 by run-time name with closure if true
    both: returned "p2"
hit p3 by run-time name with closure if false
    both: went on
hit p0 by run-time name as expression
    both: panicked "Return is not supported for the fail point \"p0\""
hit p1 by run-time name with closure as expression
    both: returned "p1"
hit p2 by run-time name with diverging closure
    both: panicked "the closure got Some(\"p2\")"
hit p3 by run-time name with closure that removes the point
    both: returned "p3"
configure p3 as return(p3)
hit p0 by run-time name through eval
    both: returned "p0"
