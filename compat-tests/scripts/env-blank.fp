# Nor does one of spaces and semicolons.
# shows: FailScenario::setup: format of FAILPOINTS
environment "  ; \t; "
setup
    both: set up
list
    both: nothing
