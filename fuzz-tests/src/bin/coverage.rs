//! The target that `FUZZ_TARGET` names, with texts that the coverage guides: for libFuzzer, which has the
//! `main`. README.md says how it is built and run.

#![allow(
    unexpected_cfgs,
    reason = "cargo-fuzz sets `fuzzing`, which Cargo does not know"
)]
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
mod libfuzzer {
    use std::sync::LazyLock;

    use fuzz_tests::{Target, Texts};

    static TARGET: LazyLock<&'static Target> = LazyLock::new(|| {
        let name = std::env::var("FUZZ_TARGET");
        Target::named(&name.expect("FUZZ_TARGET is the name of a target"))
    });
    static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::of(&TARGET));

    libfuzzer_sys::fuzz_target!(|input: &[u8]| {
        // No text of a corpus begins with a zero: what does is a recipe.
        match input.split_first() {
            Some((0, recipe)) => (TARGET.check)(&TEXTS.make(recipe)),
            _ => (TARGET.check)(input),
        };
    });
}

#[cfg(not(fuzzing))]
fn main() {
    eprintln!("This has to be built with coverage: see fuzz-tests/README.md.");
    std::process::exit(2);
}
