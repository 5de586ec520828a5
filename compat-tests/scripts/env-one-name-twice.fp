# Of two entries with one name the last counts.
# shows: FailScenario::setup: format of FAILPOINTS
environment p0=return(first);p0=return(second)
setup
hit p0 with closure
    both: returned "second"
list
    both: "p0" = "return(second)"
