# A delay keeps the processor busy, a sleep does not.
# shows: cfg: delay
# shows: cfg: sleep
configure p0 as delay(400)
hit p0 burning at least 15 ms
    both: went on, then burnt at least 15 ms
configure p0 as sleep(400)
hit p0 burning at least 15 ms
    both: went on, then burnt less than 15 ms
