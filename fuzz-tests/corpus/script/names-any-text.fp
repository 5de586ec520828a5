# Any text is a name: nothing is trimmed, nothing is special, names differ by
# case.
# shows: cfg: any text is a name
configure "" as return(empty)
hit "" with closure
    both: returned "empty"
configure " p0 " as return(spaces)
hit p0 with closure
    both: went on
hit " p0 " with closure
    both: returned "spaces"
configure P0 as return(upper)
hit p0 with closure
    both: went on
configure "a=b;c->d" as return(signs)
hit "a=b;c->d" with closure
    both: returned "signs"
configure "日本\n\u{0}" as panic
hit "日本\n\u{0}"
configure "module::path::point" as return
hit "module::path::point"
    both: panicked "Return is not supported for the fail point \"module::path::point\""
configure "a \"quoted\" name" as print
hit "a \"quoted\" name"
list
remove " p0 "
list
