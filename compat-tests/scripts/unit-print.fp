# fail's own test_print.
# shows: test_print: fail's unit test
configure test_fail_point_print as print
hit test_fail_point_print through eval
    both: logged info fail "failpoint test_fail_point_print executed.", then went on
