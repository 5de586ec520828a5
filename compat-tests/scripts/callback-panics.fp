# A panic in a callback comes through the hit, and everything stays usable.
# shows: cfg_callback: a panic in it comes through the hit
configure p0 with callback
    say "before"
    panic "from the callback"
end
hit p0 with closure 2 times
    both: 2 times said "before", then panicked "from the callback"
configure p1 as panic
configure p0 with callback
    hit p1
    say "never"
end
hit p0
    both: panicked "failpoint p1 panic"
list
    both: "p0" = "callback", "p1" = "panic"
configure p0 as return(x)
hit p0 with closure
    both: returned "x"
