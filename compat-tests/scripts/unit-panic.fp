# fail's own test_panic.
# shows: test_panic: fail's unit test
configure test_fail_point_panic as panic
hit test_fail_point_panic through eval
    both: panicked "failpoint test_fail_point_panic panic"
