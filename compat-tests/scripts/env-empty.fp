# An empty FAILPOINTS configures nothing.
# shows: FailScenario::setup: format of FAILPOINTS
environment ""
configure p0 as off
setup
    both: set up
list
    both: nothing
