# A guard configures, and removes when it is dropped.
# shows: FailGuard::new: configures while the guard lives
guard g configures p0 as return(guarded)
    both: guarded
hit p0 with closure
    both: returned "guarded"
list
    both: "p0" = "return(guarded)"
drop guard g
    both: dropped
hit p0 with closure
    both: went on
list
    both: nothing
