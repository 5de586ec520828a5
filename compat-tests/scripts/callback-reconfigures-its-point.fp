# A callback may give its own point other actions; they hold from the next hit.
# shows: cfg_callback: may configure and remove its own point
configure p0 with callback
    configure p0 as return(next)
end
hit p0 with closure
    both: configured, then went on
hit p0 with closure
    both: returned "next"
