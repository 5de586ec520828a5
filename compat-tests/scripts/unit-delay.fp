# fail's own test_delay.
# shows: test_delay: fail's unit test
configure test_fail_point_delay as delay(1000)
hit test_fail_point_delay through eval for at least 1000 ms
    both: went on, then took at least 1000 ms
