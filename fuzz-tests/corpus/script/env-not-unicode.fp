# Bytes that are no text: the same panic; afterwards fail's registry is
# poisoned for good, the replacement's is usable and has nothing of the value.
# shows: FailScenario::setup: after a bad FAILPOINTS
# shows: FailScenario::setup: panics if an action is malformed
environment "p0=return(\xff)"
setup
    both: panicked "invalid failpoints: NotUnicode(\"p0=return(\\xFF)\")"
list
    real: panicked "called `Result::unwrap()` on an `Err` value: PoisonError { .. }"
    ours: nothing
configure p0 as return(x)
    real: panicked "called `Result::unwrap()` on an `Err` value: PoisonError { .. }"
    ours: configured
hit p0 with closure
    real: panicked "called `Result::unwrap()` on an `Err` value: PoisonError { .. }"
    ours: returned "x"
remove p0
    real: panicked "called `Result::unwrap()` on an `Err` value: PoisonError { .. }"
    ours: removed
in A: hit p1
    real: panicked "called `Result::unwrap()` on an `Err` value: PoisonError { .. }"
    ours: went on
setup
    real: panicked "called `Result::unwrap()` on an `Err` value: PoisonError { .. }"
    ours: panicked "invalid failpoints: NotUnicode(\"p0=return(\\xFF)\")"
