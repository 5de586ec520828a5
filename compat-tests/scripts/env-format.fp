# Entries are trimmed and may be empty; a name keeps its spaces before the `=`.
# shows: FailScenario::setup: format of FAILPOINTS
environment " ; p0=return(a) ;; p1 = 1*return(b) ; p2=  off->return(c=d)  ;=return(e);"
setup
    both: set up
list
hit p0 with closure
    both: returned "a"
hit p1 with closure
    both: went on
hit "p1 " with closure
    both: returned "b"
hit "" with closure
    both: returned "e"
