# In every form, `return` without a value.
# shows: cfg: return
# shows: cfg: the supported tasks
# shows: crate: return without a closure panics and names the point
configure p0 as return
    both: configured
hit p0
    both: panicked "Return is not supported for the fail point \"p0\""
hit p0 with closure
    both: returned nothing
hit p0 with closure if true
    both: returned nothing
hit p0 with closure if false
    both: went on
hit p0 as expression
    both: panicked "Return is not supported for the fail point \"p0\""
hit p0 with closure as expression
    both: returned nothing
hit p0 with diverging closure
    both: panicked "the closure got None"
hit p0 with closure that removes the point
    both: returned nothing
configure p0 as return
hit p0 through eval
    both: returned nothing
