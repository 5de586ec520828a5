# fail takes a percentage that is no number for `always`.
# shows: cfg: a negative or NaN percentage
configure p0 as NaN%return
    real: configured
    ours: refused "failed to parse frequency: not a number from 0 up"
hit p0 with closure
    real: returned nothing
    ours: went on
configure p0 as -nan%return
    real: configured
    ours: refused "failed to parse frequency: not a number from 0 up"
