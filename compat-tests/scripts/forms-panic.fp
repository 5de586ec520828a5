# In every form, `panic` panics with a message that names the point.
# shows: cfg: panic
# shows: cfg: the supported tasks
configure p0 as panic
    both: configured
hit p0
    both: panicked "failpoint p0 panic"
hit p0 with closure
    both: panicked "failpoint p0 panic"
hit p0 with closure if true
    both: panicked "failpoint p0 panic"
hit p0 with closure if false
    both: went on
hit p0 as expression
    both: panicked "failpoint p0 panic"
hit p0 with closure as expression
    both: panicked "failpoint p0 panic"
hit p0 with diverging closure
    both: panicked "failpoint p0 panic"
hit p0 with closure that removes the point
    both: panicked "failpoint p0 panic"
configure p0 as panic
hit p0 through eval
    both: panicked "failpoint p0 panic"
