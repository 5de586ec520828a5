# A closure may reconfigure the point that it returns for.
# shows: fail_point!: a name and a closure
configure p0 as return(x)
hit p0 with closure that removes the point 2 times
    both: once returned "x" and once went on
list
    both: nothing
