# A logger may hit and configure points while a point prints.
# shows: log: a logger may hit points
configure p0 as print(first)
configure p1 as return(in the logger)
on each log record
    hit p1 with closure
    configure p0 as return(changed)
    list
end
hit p0 with closure
hit p0 with closure
    both: returned "changed"
configure p0 as print(second)
on each log record
    remove p0
    panic "in the logger"
end
hit p0
    both: logged info fail "second", then removed, then panicked "in the logger"
hit p0
    both: went on
