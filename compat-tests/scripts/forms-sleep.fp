# In every form, `sleep` takes its time.
# shows: cfg: sleep
# shows: cfg: the supported tasks
configure p0 as sleep(60)
    both: configured
hit p0 for at least 60 ms
    both: went on, then took at least 60 ms
hit p0 with closure for at least 60 ms
    both: went on, then took at least 60 ms
hit p0 with closure if true for at least 60 ms
    both: went on, then took at least 60 ms
hit p0 with closure if false for at least 60 ms
    both: went on, then took less than 60 ms
hit p0 as expression for at least 60 ms
    both: went on, then took at least 60 ms
hit p0 with closure as expression for at least 60 ms
    both: went on, then took at least 60 ms
hit p0 with diverging closure for at least 60 ms
    both: went on, then took at least 60 ms
hit p0 with closure that removes the point for at least 60 ms
    both: went on, then took at least 60 ms
configure p0 as sleep(60)
hit p0 through eval for at least 60 ms
    both: went on, then took at least 60 ms
