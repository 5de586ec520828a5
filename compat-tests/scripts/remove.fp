# What is removed does nothing; removing nothing is no error.
# shows: remove: removes
# shows: remove: of nothing does nothing
remove p0
    both: removed
configure p0 as return(x)
remove p1
    both: removed
hit p0 with closure
    both: returned "x"
remove p0
    both: removed
hit p0 with closure
    both: went on
remove p0
    both: removed
list
    both: nothing
