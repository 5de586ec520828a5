# The text of every kind of error.
# shows: cfg: error texts
configure p0 as ""
configure p0 as " "
configure p0 as ->
configure p0 as off->
configure p0 as ->off
configure p0 as off->->off
configure p0 as Off
configure p0 as OFF
configure p0 as exit
configure p0 as callback
configure p0 as return (1)
configure p0 as return(1)x
configure p0 as return(1
configure p0 as return)
configure p0 as (
configure p0 as ()
configure p0 as (x)
configure p0 as 5*
configure p0 as *return
configure p0 as 5 *return
configure p0 as -1*return
configure p0 as 1.5*return
configure p0 as 2*3*return
configure p0 as 18446744073709551616*return
configure p0 as %return
configure p0 as 5*25%return
configure p0 as 50%%return
configure p0 as 50 %return
configure p0 as x%return
configure p0 as 1,5%return
configure p0 as 0x10%return
configure p0 as 50%
configure p0 as 50%2*
configure p0 as sleep
configure p0 as sleep()
configure p0 as sleep(-1)
configure p0 as sleep(1.5)
configure p0 as sleep( 1)
configure p0 as sleep(1ms)
configure p0 as sleep(18446744073709551616)
configure p0 as delay
configure p0 as delay(x)
configure p0 as return(a->b)
configure p0 as return(a)->b
configure p0 as off,off
configure p0 as off;off
configure p0 as when(k=v)return
configure p0 as of\f
configure p0 as "return\u{0}"
configure p0 as retürn
configure p0 as off off
configure p0 as 5*sleep
configure p0 as 50%delay
list
    both: nothing
