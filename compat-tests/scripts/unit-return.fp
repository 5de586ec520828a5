# fail's own test_return.
# shows: test_return: fail's unit test
# shows: eval: called directly
configure test_fail_point_return as return
hit test_fail_point_return through eval
    both: returned nothing
configure test_fail_point_return as return(test)
hit test_fail_point_return through eval
    both: returned "test"
