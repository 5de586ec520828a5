# In every form, `print(msg)` logs the message alone.
# shows: cfg: print
# shows: cfg: the supported tasks
configure p0 as print(still here)
    both: configured
hit p0
    both: logged info fail "still here", then went on
hit p0 with closure
    both: logged info fail "still here", then went on
hit p0 with closure if true
    both: logged info fail "still here", then went on
hit p0 with closure if false
    both: went on
hit p0 as expression
    both: logged info fail "still here", then went on
hit p0 with closure as expression
    both: logged info fail "still here", then went on
hit p0 with diverging closure
    both: logged info fail "still here", then went on
hit p0 with closure that removes the point
    both: logged info fail "still here", then went on
configure p0 as print(still here)
hit p0 through eval
    both: logged info fail "still here", then went on
