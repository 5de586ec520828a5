# `setup` waits until the scenario of another thread has ended.
# shows: FailScenario::setup: waits for another thread's scenario
# shows: crate: FailScenario is the lock between tests
setup
configure p0 as return(main)
start in A: scope
    setup
    hit p0 with closure
    configure p0 as return(A)
    hit p0 with closure
end
wait until A is blocked
    both: blocked
hit p0 with closure
    both: returned "main"
teardown
wait for A
    both: set up, then went on, then configured, then returned "A", then left the scope
hit p0 with closure
    both: went on
