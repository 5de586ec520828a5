# A guard ends when a panic unwinds through its scope.
# shows: FailGuard::new: configures while the guard lives
scope
    guard g configures p0 as panic(through the guard)
    guard h configures p1 as return(h)
    hit p1 with closure
    hit p0
    say "never"
end
    both: guarded, then guarded, then returned "h", then panicked "through the guard"
hit p0
    both: went on
list
    both: nothing
