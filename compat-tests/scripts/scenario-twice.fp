# A second `setup` on one thread: fail waits for itself, the replacement says
# so.
# shows: FailScenario::setup: a second one on the same thread
setup
    both: set up
configure p0 as return(kept)
setup
    real: hangs
    ours: panicked "FailScenario::setup: this thread has a scenario already, which has to end first (call teardown, or drop it)"
hit p0 with closure
    both: returned "kept"
teardown
    both: torn down
setup
    both: set up
