# After a panic, in whatever thread, everything works as before.
# shows: cfg: panic
configure p0 as panic(a)
hit p0
    both: panicked "a"
in A: hit p0
    both: panicked "a"
hit p0 3 times
    both: 3 times panicked "a"
list
    both: "p0" = "panic(a)"
configure p0 as return(b)
hit p0 with closure
    both: returned "b"
hit p0 with diverging closure
    both: panicked "the closure got Some(\"b\")"
remove p0
hit p0
    both: went on
