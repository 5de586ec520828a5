# Each call replaces all that was configured for the name, and nothing else.
# shows: cfg: overwrites what was configured
configure p0 as 1*return(a)->return(b)
configure p1 as return(other)
configure p0 as print(c)
    both: configured
hit p0 with closure
    both: logged info fail "c", then went on
hit p1 with closure
    both: returned "other"
configure p0 with callback
    say "called"
end
hit p0 with closure
    both: said "called", then went on
configure p0 as return(d)
hit p0 with closure
    both: returned "d"
list
    both: "p0" = "return(d)", "p1" = "return(other)"
