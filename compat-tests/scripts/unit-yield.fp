# fail's own test_yield.
# shows: test_yield: fail's unit test
configure test_fail_point_yield as yield
hit test_fail_point_yield through eval
    both: went on
