# The list has each name with its text, as it was configured.
# shows: list: names and actions
# shows: list: the text as it was configured
list
    both: nothing
configure p0 as off
list
    both: "p0" = "off"
configure p0 as " 125%2*print( a )->return "
configure p1 as 1*sleep(1)
list
    both: "p0" = " 125%2*print( a )->return ", "p1" = "1*sleep(1)"
hit p1 3 times
list
remove p0
list
    both: "p1" = "1*sleep(1)"
