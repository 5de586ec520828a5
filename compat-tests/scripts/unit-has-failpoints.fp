# fail's own test_has_failpoints.
# shows: test_has_failpoints: fail's unit test
# shows: has_failpoints: true where failpoints are compiled in
ask for failpoints
    both: true
