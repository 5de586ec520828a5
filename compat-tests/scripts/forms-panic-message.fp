# In every form, `panic(msg)` panics with the message alone.
# shows: cfg: panic
# shows: cfg: the supported tasks
configure p0 as panic(disk on fire)
    both: configured
hit p0
    both: panicked "disk on fire"
hit p0 with closure
    both: panicked "disk on fire"
hit p0 with closure if true
    both: panicked "disk on fire"
hit p0 with closure if false
    both: went on
hit p0 as expression
    both: panicked "disk on fire"
hit p0 with closure as expression
    both: panicked "disk on fire"
hit p0 with diverging closure
    both: panicked "disk on fire"
hit p0 with closure that removes the point
    both: panicked "disk on fire"
configure p0 as panic(disk on fire)
hit p0 through eval
    both: panicked "disk on fire"
