# What `{:?}` shows of a guard.
# shows: FailGuard: Debug
guard g configures "a name" as off
show guard g
    both: FailGuard("a name")
