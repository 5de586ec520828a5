# A site whose condition is false uses up nothing.
# shows: fail_point!: a name, a condition and a closure
configure p0 as 1*return(kept)
hit p0 with closure if false 5 times
    both: 5 times went on
hit p0 with closure if true 2 times
    both: once returned "kept" and once went on
