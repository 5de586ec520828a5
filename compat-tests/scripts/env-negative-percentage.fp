# What `cfg` refuses, FAILPOINTS refuses as well.
# shows: cfg: a negative or NaN percentage
environment p0=-5%return
setup
    real: set up
    ours: panicked "unable to configure failpoint \"p0\": failed to parse frequency: not a number from 0 up"
