# A guard also removes what was configured after it, and of two guards of one
# name the first that goes takes all.
# shows: FailGuard: dropping it removes the name, whoever configured it
guard g configures p0 as return(guarded)
configure p0 as return(later)
hit p0 with closure
    both: returned "later"
drop guard g
hit p0 with closure
    both: went on
guard outer configures p0 as return(outer)
guard inner configures p0 as return(inner)
drop guard outer
hit p0 with closure
    both: went on
drop guard inner
    both: dropped
list
    both: nothing
