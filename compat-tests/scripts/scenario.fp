# A scenario from beginning to end.
# shows: FailScenario::setup: begins a scenario
# shows: FailScenario::teardown: clears every fail point
setup
    both: set up
configure p0 as return(x)
configure p1 with callback
    say "called"
end
guard g configures p2 as return(y)
hit p0 with closure
    both: returned "x"
teardown
    both: torn down
hit p0 with closure
    both: went on
hit p1
    both: went on
hit p2 with closure
    both: went on
list
    both: nothing
