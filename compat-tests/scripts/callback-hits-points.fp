# A callback may hit other points, and its own when it is another by then.
# shows: cfg_callback: may hit points
configure p1 as 1*return(inner)->print(inner)
configure p0 with callback
    hit p1 with closure
    hit p2
end
hit p0
    both: returned "inner", then went on, then went on
hit p0
    both: logged info fail "inner", then went on, then went on, then went on
configure p3 with callback
    configure p3 as return(own)
    hit p3 with closure
end
hit p3 with closure
    both: configured, then returned "own", then went on
