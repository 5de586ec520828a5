# A text that is refused makes no guard and leaves the point as it is.
# shows: FailGuard::new: configures while the guard lives
# shows: cfg: an error leaves everything as it was
configure p0 as return(kept)
guard g configures p0 as nonsense
    both: refused "unrecognized command \"nonsense\""
guard h configures p1 as sleep
    both: refused "sleep require timeout"
drop guard g
    both: no such guard
hit p0 with closure
    both: returned "kept"
list
    both: "p0" = "return(kept)"
