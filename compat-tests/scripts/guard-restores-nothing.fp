# Dropping a guard removes the name: what was configured before is gone.
# shows: FailGuard: dropping it removes the name, whoever configured it
configure p0 as return(before)
guard g configures p0 as return(guarded)
hit p0 with closure
    both: returned "guarded"
drop guard g
hit p0 with closure
    both: went on
list
    both: nothing
