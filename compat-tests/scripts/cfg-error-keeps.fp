# A refused text changes nothing: not the actions, not the count, not the list.
# shows: cfg: an error leaves everything as it was
configure p0 as 3*return(kept)
hit p0 with closure
    both: returned "kept"
configure p0 as retrun
    both: refused "unrecognized command \"retrun\""
configure p0 as off->sleep
    both: refused "sleep require timeout"
list
    both: "p0" = "3*return(kept)"
hit p0 with closure 3 times
    both: 2 times returned "kept" and once went on
configure p1 as nonsense
    both: refused "unrecognized command \"nonsense\""
list
    both: "p0" = "3*return(kept)"
