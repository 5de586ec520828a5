//! The target that `FUZZ_TARGET` names, with texts that the coverage guides: for libFuzzer, which has the
//! `main`. README.md says how it is built and run.

#![allow(unexpected_cfgs, reason = "only README.md's command sets `libfuzzer`")]
#![cfg_attr(libfuzzer, no_main)]

#[cfg(libfuzzer)]
mod libfuzzer {
    use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
    use std::process;
    use std::sync::{LazyLock, Mutex, PoisonError};

    use fuzz_tests::{Target, Texts};

    static TARGET: LazyLock<&'static Target> = LazyLock::new(|| {
        // The one of libFuzzer ends the process, though a panic may be meant, and caught.
        set_hook(Box::new(|panic| {
            *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
        }));
        let name = std::env::var("FUZZ_TARGET");
        Target::named(&name.expect("FUZZ_TARGET is the name of a target"))
    });
    static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::of(&TARGET));
    /// What the last panic said.
    static PANIC: Mutex<String> = Mutex::new(String::new());

    libfuzzer_sys::fuzz_target!(|input: &[u8]| {
        let target = *TARGET;
        // No text of a corpus begins with a zero: what does is a recipe.
        let made = input.strip_prefix(b"\0").map(|recipe| TEXTS.make(recipe));
        let text = made.as_deref().unwrap_or(input);
        if catch_unwind(AssertUnwindSafe(|| (target.check)(text))).is_err() {
            let panic = PANIC.lock().unwrap_or_else(PoisonError::into_inner);
            let text = String::from_utf8_lossy(text);
            eprintln!("{}: {panic}\nwith {text:?}", target.name);
            process::abort();
        }
    });
}

#[cfg(not(libfuzzer))]
fn main() {
    eprintln!("This has to be built with coverage: see fuzz-tests/README.md.");
    std::process::exit(2);
}
