# A chain whose counts are used up does nothing, and stays listed.
# shows: cfg: a series of actions
# shows: list: the text as it was configured
configure p0 as 1*return(a)->1*return(b)
hit p0 with closure 4 times
    both: once returned "a" and once returned "b" and 2 times went on
list
    both: "p0" = "1*return(a)->1*return(b)"
