# A guard with a callback.
# shows: FailGuard::with_callback: configures while the guard lives
guard g configures p0 with callback
    say "called"
end
    both: guarded
hit p0 2 times
    both: 2 times said "called", then went on
drop guard g
hit p0
    both: went on
