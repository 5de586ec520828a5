# The example of the documentation.
# shows: cfg: the documented example
configure p0 as 20%3*print(still alive!)->panic
    both: configured
hit p0 2000 times in any order
    both: 3 times logged info fail "still alive!", then went on and 1997 times panicked "failpoint p0 panic"
configure p0 as 20%print(still alive!)->panic
hit p0 20000 times as a sample
    both: of 20000: 20% logged info fail "still alive!", then went on and 80% panicked "failpoint p0 panic"
