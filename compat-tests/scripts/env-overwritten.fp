# `cfg` overwrites what FAILPOINTS set; the next `setup` reads it again.
# shows: cfg: overwrites what was configured
# shows: cfg: FAILPOINTS takes the same syntax
environment p0=125%2*return(env)->print;p1=off
setup
hit p0 with closure 3 times
    both: 2 times returned "env" and once logged info fail "failpoint p0 executed.", then went on
configure p0 as return(cfg)
hit p0 with closure
    both: returned "cfg"
remove p1
teardown
setup
hit p0 with closure 3 times
    both: 2 times returned "env" and once logged info fail "failpoint p0 executed.", then went on
list
    both: "p0" = "125%2*return(env)->print", "p1" = "off"
