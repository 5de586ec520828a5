# A point with a callback is listed as `callback`.
# shows: list: callback
configure p0 with callback
end
list
    both: "p0" = "callback"
hit p0
    both: went on
guard g configures p1 with callback
end
list
    both: "p0" = "callback", "p1" = "callback"
drop guard g
list
    both: "p0" = "callback"
