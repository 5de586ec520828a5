# fail's own test_pause, without its second of waiting.
# shows: test_pause: fail's unit test
configure test_fail_point_pause as pause
start in A: hit test_fail_point_pause through eval
wait until A is blocked
    both: blocked
configure test_fail_point_pause as off
wait for A
    both: went on
