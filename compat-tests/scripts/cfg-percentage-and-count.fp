# A hit that the percentage lets pass uses up no count.
# shows: cfg: p% is a probability and cnt* a maximum
configure p0 as 10%20*return(x)
hit p0 with closure 5000 times in any order
    both: 20 times returned "x" and 4980 times went on
configure p1 as 0%1*return(x)->return(y)
hit p1 with closure 5 times
    both: 5 times returned "y"
