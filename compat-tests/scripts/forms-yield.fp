# In every form, `yield` goes on.
# shows: cfg: yield
# shows: cfg: the supported tasks
configure p0 as yield
    both: configured
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
configure p0 as yield
hit p0 through eval
    both: went on
