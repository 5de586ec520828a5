# fail accepts a negative percentage and panics at the hit, in the middle of
# the user's code; the replacement says so where the mistake is made.
# shows: cfg: a negative or NaN percentage
configure p0 as -5%return
    real: configured
    ours: refused "failed to parse frequency: not a number from 0 up"
hit p0 with closure
    real: panicked "called `Result::unwrap()` on an `Err` value: InvalidProbability"
    ours: went on
configure p0 as off->-1e9%return
    real: configured
    ours: refused "failed to parse frequency: not a number from 0 up"
configure p0 as -inf%return
    real: configured
    ours: refused "failed to parse frequency: not a number from 0 up"
