# So may one while `setup` reads FAILPOINTS, should that log anything.
# shows: log: a logger may hit points
environment p0=1*print(a)->return(b)
on each log record
    hit p0 with closure
end
setup
    both: set up
hit p0 with closure
    both: logged info fail "a", then returned "b", then went on
