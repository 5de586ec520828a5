# In every form, `return` with a value.
# shows: cfg: return
# shows: cfg: the supported tasks
# shows: fail_point!: three forms, a name first
# shows: fail_point!: as an expression
# shows: fail_point!: a closure that does not return
# shows: eval: called directly
configure p0 as return(100)
    both: configured
hit p0
    both: panicked "Return is not supported for the fail point \"p0\""
hit p0 with closure
    both: returned "100"
hit p0 with closure if true
    both: returned "100"
hit p0 with closure if false
    both: went on
hit p0 as expression
    both: panicked "Return is not supported for the fail point \"p0\""
hit p0 with closure as expression
    both: returned "100"
hit p0 with diverging closure
    both: panicked "the closure got Some(\"100\")"
hit p0 with closure that removes the point
    both: returned "100"
configure p0 as return(100)
hit p0 through eval
    both: returned "100"
