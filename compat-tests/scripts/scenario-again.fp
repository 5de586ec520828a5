# A scenario may follow another, also one that a panic ended.
# shows: FailScenario::setup: again, after a scenario that ended or panicked
setup
teardown
setup
    both: set up
configure p0 as return(x)
hit p0 with closure
    both: returned "x"
teardown
in A: scope
    setup
    configure p0 as return(y)
    panic "the test failed"
end
    both: set up, then configured, then panicked "the test failed"
setup
    both: set up
hit p0 with closure
    both: went on
teardown
