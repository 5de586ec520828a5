# In every form, a point that nothing configures does nothing.
# shows: crate: a point that nothing configures does nothing
# shows: cfg: the supported tasks
hit p0
    both: went on
hit p0 with closure
    both: went on
hit p0 with closure if true
    both: went on
hit p0 with closure if false
    both: went on
hit p0 as expression
    both: went on
hit p0 with closure as expression
    both: went on
hit p0 with diverging closure
    both: went on
hit p0 with closure that removes the point
    both: went on
hit p0 through eval
    both: went on
