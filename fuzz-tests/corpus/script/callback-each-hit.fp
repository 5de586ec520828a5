# The callback runs at each hit of each site, on the thread that hits, and the
# site goes on.
# shows: cfg_callback: called at each hit
configure p0 with callback
    say "called"
end
    both: configured
hit p0 3 times
    both: 3 times said "called", then went on
in A: hit p0 with closure
    both: said "called", then went on
hit p0 100 times in 4 threads
    both: 100 times said "called", then went on
remove p0
hit p0
    both: went on
