# Texts that are accepted though they look odd, and what they do.
# shows: cfg: the format of one action
configure p0 as off
    both: configured
hit p0 with closure 2 times
configure p0 as return
    both: configured
hit p0 with closure 2 times
configure p0 as return()
    both: configured
hit p0 with closure 2 times
configure p0 as "return( )"
    both: configured
hit p0 with closure 2 times
configure p0 as return(a)(b)
    both: configured
hit p0 with closure 2 times
configure p0 as return(()
    both: configured
hit p0 with closure 2 times
configure p0 as return())
    both: configured
hit p0 with closure 2 times
configure p0 as return(%)
    both: configured
hit p0 with closure 2 times
configure p0 as return(5*)
    both: configured
hit p0 with closure 2 times
configure p0 as return(a;b=c)
    both: configured
hit p0 with closure 2 times
configure p0 as return("quoted")
    both: configured
hit p0 with closure 2 times
configure p0 as "  return(spaces)  "
    both: configured
hit p0 with closure 2 times
configure p0 as "\treturn(tab)\n"
    both: configured
hit p0 with closure 2 times
configure p0 as "\u{a0}return(nbsp)\u{3000}"
    both: configured
hit p0 with closure 2 times
configure p0 as +2*return(plus)
    both: configured
hit p0 with closure 2 times
configure p0 as 002*return(zeros)
    both: configured
hit p0 with closure 2 times
configure p0 as .5e2%0*return->return(x)
    both: configured
hit p0 with closure 2 times
configure p0 as "off -> return(x)"
    both: configured
hit p0 with closure 2 times
configure p0 as "1*off  ->  return(x)"
    both: configured
hit p0 with closure 2 times
configure p0 as off(ignored)
    both: configured
hit p0 with closure 2 times
configure p0 as yield(ignored)
    both: configured
hit p0 with closure 2 times
configure p0 as "return(日本)"
    both: configured
hit p0 with closure 2 times
configure p0 as return(a\nb)
    both: configured
hit p0 with closure 2 times
configure p0 as sleep(0)
    both: configured
hit p0 with closure 2 times
configure p0 as delay(0)
    both: configured
hit p0 with closure 2 times
configure p0 as sleep(+1)
    both: configured
hit p0 with closure 2 times
configure p0 as print()
    both: configured
hit p0 with closure 2 times
configure p0 as panic()
    both: configured
hit p0 with closure 2 times
configure p0 as 1*off->1*off->return(x)
    both: configured
hit p0 with closure 2 times
configure p0 as pause(ignored)
    both: configured
list
    both: "p0" = "pause(ignored)"
