# `return` at a site without a closure panics and names the point.
# shows: crate: return without a closure panics and names the point
# shows: fail_point!: a name alone
configure read-dir as return
hit read-dir
    both: panicked "Return is not supported for the fail point \"read-dir\""
configure read-dir as return(x)
hit read-dir
    both: panicked "Return is not supported for the fail point \"read-dir\""
configure read-dir as 1*return->off
hit read-dir 2 times
    both: once panicked "Return is not supported for the fail point \"read-dir\"" and once went on
