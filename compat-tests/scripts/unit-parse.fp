# fail's own test_parse: what is accepted, shown by what it does, and what is
# refused, with the text.
# shows: test_parse: fail's unit test
# shows: cfg: the format of one action
# shows: cfg: error texts
configure p0 as return
    both: configured
hit p0 through eval 3 times
configure p0 as return(64)
    both: configured
hit p0 through eval 3 times
configure p0 as 5*return
    both: configured
hit p0 through eval 7 times
configure p0 as 25%return
    both: configured
hit p0 through eval 20000 times as a sample
configure p0 as 125%2*return
    both: configured
hit p0 through eval 4 times
configure p0 as return(2%5)
    both: configured
hit p0 through eval
configure p0 as 125%2*off->return
    both: configured
hit p0 through eval 4 times
configure p0 as 125%2*sleep(100)->return
    both: configured
hit p0 through eval 4 times
configure p0 as " 125%2*off "
    both: configured
hit p0 through eval 4 times
configure p0 as 125%2*panic
    both: configured
hit p0 through eval 4 times
configure p0 as 125%2*panic(msg)
    both: configured
hit p0 through eval 4 times
configure p0 as 125%2*print
    both: configured
hit p0 through eval 4 times
configure p0 as 125%2*print(msg)
    both: configured
hit p0 through eval 4 times
configure p0 as 125%2*yield->return
    both: configured
hit p0 through eval 4 times
configure p0 as 125%2*delay(2)->return
    both: configured
hit p0 through eval 4 times
configure p0 as 125%2*pause->return
    both: configured
start in A: hit p0 through eval
wait until A is blocked
    both: blocked
start in B: hit p0 through eval
wait until B is blocked
    both: blocked
hit p0 through eval
    both: returned nothing
remove p0
wait for A
    both: went on
wait for B
    both: went on
configure p0 as delay
    both: refused "sleep require timeout"
configure p0 as sleep
    both: refused "sleep require timeout"
configure p0 as Return
    both: refused "unrecognized command \"Return\""
configure p0 as ab%return
    both: refused "failed to parse frequency: invalid float literal"
configure p0 as ab*return
    both: refused "failed to parse count: invalid digit found in string"
configure p0 as return(msg
    both: refused "parentheses do not match"
configure p0 as unknown
    both: refused "unrecognized command \"unknown\""
