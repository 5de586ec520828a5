# Dropping a scenario does what `teardown` does, also when a panic unwinds.
# shows: FailScenario: dropping it does what teardown does
setup
configure p0 as return(x)
drop scenario
    both: dropped
hit p0 with closure
    both: went on
scope
    setup
    configure p0 as panic(in the test)
    hit p0
end
    both: set up, then configured, then panicked "in the test"
hit p0
    both: went on
list
    both: nothing
