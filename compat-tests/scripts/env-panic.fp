# The first example of the documentation: FAILPOINTS=read-dir=panic.
# shows: crate: FAILPOINTS=name=panic panics with fail's message
environment read-dir=panic
setup
hit read-dir
    both: panicked "failpoint read-dir panic"
