# A callback may remove its own point.
# shows: cfg_callback: may configure and remove its own point
configure p0 with callback
    remove p0
    list
end
hit p0 2 times
    both: once removed, then nothing, then went on and once went on
