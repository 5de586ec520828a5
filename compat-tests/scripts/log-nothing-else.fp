# Nothing but `print` logs anything.
# shows: log: target fail, level info
configure p0 as 50%off->1*return(x)->1*yield->1*delay(1)->1*sleep(1)->off
    both: configured
hit p0 with closure if false 3 times
setup
configure no-site-has-this-name as off
    both: configured
configure p0 as 1*panic
hit p0
    both: panicked "failpoint p0 panic"
teardown
    both: torn down
