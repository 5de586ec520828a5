# FAILPOINTS may name points that no site has.
# shows: FailScenario::setup: FAILPOINTS may name points that do not exist
environment nobody-hits-this=panic;p0=return(x)
setup
    both: set up
hit p0 with closure
    both: returned "x"
list
    both: "nobody-hits-this" = "panic", "p0" = "return(x)"
