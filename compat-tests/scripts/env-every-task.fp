# Each task, set by FAILPOINTS.
# shows: cfg: FAILPOINTS takes the same syntax
environment o=off;r=return;v=return(1);s=sleep(1);d=delay(1);a=panic;b=panic(m);i=print;j=print(m);y=yield;p0=pause
setup
hit o
hit r with closure
    both: returned nothing
hit v with closure
    both: returned "1"
hit s for at least 1 ms
hit d for at least 1 ms
hit a
    both: panicked "failpoint a panic"
hit b
    both: panicked "m"
hit i
    both: logged info fail "failpoint i executed.", then went on
hit j
    both: logged info fail "m", then went on
hit y
    both: went on
start in A: hit p0
wait until A is blocked
    both: blocked
teardown
wait for A
    both: went on
