# fail's own test_frequency_and_count: exactly 100 of 80%.
# shows: test_frequency_and_count: fail's unit test
configure p0 as 80%100*return
hit p0 through eval 5000 times in any order
    both: 100 times returned nothing and 4900 times went on
hit p0 through eval 200 times
    both: 200 times went on
configure p0 as 50%50*return(1)->50%50*return(-1)->50*return
hit p0 with closure 5000 times in any order
    both: 50 times returned "-1" and 50 times returned "1" and 50 times returned nothing and 4850 times went on
