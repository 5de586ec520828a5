# fail's own test_sleep.
# shows: test_sleep: fail's unit test
configure test_fail_point_sleep as sleep(1000)
hit test_fail_point_sleep through eval for at least 1000 ms
    both: went on, then took at least 1000 ms
