# Several threads take their scenarios one after the other.
# shows: FailScenario::setup: waits for another thread's scenario
setup
start in A: scope
    setup
    say "alone"
end
start in B: scope
    setup
    say "alone"
end
wait until A is blocked
    both: blocked
wait until B is blocked
    both: blocked
drop scenario
wait for A
    both: set up, then said "alone", then left the scope
wait for B
    both: set up, then said "alone", then left the scope
setup
    both: set up
