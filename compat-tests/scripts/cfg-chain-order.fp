# Each action is tried only when those before it did not fire.
# shows: cfg: actions are checked in order
# shows: cfg: a series of actions
configure p0 as 1*return(a)->2*return(b)->1*print(c)->return(d)
hit p0 with closure 7 times
    both: once returned "a" and 2 times returned "b" and once logged info fail "c", then went on and 3 times returned "d"
configure p0 as off->return(never)
hit p0 with closure 3 times
    both: 3 times went on
configure p0 as 0%return(never)->return(always)
hit p0 with closure 3 times
    both: 3 times returned "always"
configure p0 as 100%return(always)->return(never)
hit p0 with closure 3 times
    both: 3 times returned "always"
