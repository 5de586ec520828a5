# fail's own test_off.
# shows: test_off: fail's unit test
configure test_fail_point_off as off
hit test_fail_point_off through eval
    both: went on
