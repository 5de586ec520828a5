# A callback may give its own point another callback, and refuse nonsense.
# shows: cfg_callback: may configure and remove its own point
configure p0 with callback
    configure p0 as nonsense
    configure p0 with callback
        say "second"
        configure p0 as 1*return(third)
    end
end
hit p0 with closure 4 times
    both: once refused "unrecognized command \"nonsense\"", then configured, then went on and once said "second", then configured, then went on and once returned "third" and once went on
