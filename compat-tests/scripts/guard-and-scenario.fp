# A guard outlives a scenario without harm, and still removes its name.
# shows: FailGuard: dropping it removes the name, whoever configured it
setup
guard g configures p0 as return(guarded)
teardown
hit p0 with closure
    both: went on
configure p0 as return(later)
drop guard g
hit p0 with closure
    both: went on
