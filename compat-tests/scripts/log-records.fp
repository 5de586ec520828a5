# What `print` logs: level info, target fail, the text and nothing else.
# shows: log: target fail, level info
configure p0 as print
hit p0
    both: logged info fail "failpoint p0 executed.", then went on
hit p0 by run-time name
    both: logged info fail "failpoint p0 executed.", then went on
configure "odd name" as print
hit "odd name"
    both: logged info fail "failpoint odd name executed.", then went on
configure p0 as print({} {:?} %s \n)
hit p0
configure p0 as print()
hit p0
    both: logged info fail "", then went on
in A: hit p0
    both: logged info fail "", then went on
