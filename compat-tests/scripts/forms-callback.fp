# In every form, the callback is called on the thread that hits.
# shows: cfg_callback: called at each hit
# shows: cfg: the supported tasks
configure p0 with callback
    say "called"
end
    both: configured
hit p0
    both: said "called", then went on
hit p0 with closure
    both: said "called", then went on
hit p0 with closure if true
    both: said "called", then went on
hit p0 with closure if false
    both: went on
hit p0 as expression
    both: said "called", then went on
hit p0 with closure as expression
    both: said "called", then went on
hit p0 with diverging closure
    both: said "called", then went on
hit p0 with closure that removes the point
    both: said "called", then went on
configure p0 with callback
    say "called"
end
hit p0 through eval
    both: said "called", then went on
