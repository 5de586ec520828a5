# Without a scenario everything works as well.
# shows: FailScenario::teardown: without setup there is none
teardown
    both: no scenario
configure p0 as return(x)
hit p0 with closure
    both: returned "x"
