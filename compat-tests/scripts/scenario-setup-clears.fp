# `setup` clears what was configured before it, though the documentation says
# that it changes nothing.
# shows: FailScenario::setup: clears what was configured before
# shows: FailScenario::setup: configures what FAILPOINTS says
configure p0 as return(before)
configure p1 with callback
    say "before"
end
setup
    both: set up
hit p0 with closure
    both: went on
hit p1
    both: went on
list
    both: nothing
teardown
