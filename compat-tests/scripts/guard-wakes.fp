# Dropping a guard wakes who is paused at its point.
# shows: FailGuard: dropping it removes the name, whoever configured it
# shows: remove: wakes paused fail points
guard g configures p0 as pause
start in A: hit p0
wait until A is blocked
    both: blocked
drop guard g
wait for A
    both: went on
