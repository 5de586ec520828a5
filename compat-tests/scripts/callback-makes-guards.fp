# Guards made in a callback end with it.
# shows: FailGuard::new: configures while the guard lives
configure p0 with callback
    guard g configures p1 as return(guarded)
    hit p1 with closure
end
hit p0
    both: guarded, then returned "guarded", then went on
hit p1 with closure
    both: went on
