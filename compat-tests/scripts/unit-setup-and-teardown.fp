# fail's own test_setup_and_teardown, without its half seconds of waiting.
# shows: test_setup_and_teardown: fail's unit test
environment setup_and_teardown1=return;setup_and_teardown2=pause;
setup
    both: set up
hit setup_and_teardown1 with closure
    both: returned nothing
start in A: hit setup_and_teardown2 with closure
wait until A is blocked
    both: blocked
teardown
    both: torn down
wait for A
    both: went on
hit setup_and_teardown1 with closure
    both: went on
