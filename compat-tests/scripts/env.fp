# FAILPOINTS is read by `setup`, and by nothing else.
# shows: FailScenario::setup: configures what FAILPOINTS says
# shows: crate: control by program and environment, conditionally and probabilistically
environment p0=return(env);p1=1*print(env)->off
hit p0 with closure
    both: went on
list
    both: nothing
configure p2 as off
list
    both: "p2" = "off"
setup
    both: set up
list
    both: "p0" = "return(env)", "p1" = "1*print(env)->off"
hit p0 with closure
    both: returned "env"
hit p1 2 times
    both: once logged info fail "env", then went on and once went on
teardown
hit p0 with closure
    both: went on
list
    both: nothing
