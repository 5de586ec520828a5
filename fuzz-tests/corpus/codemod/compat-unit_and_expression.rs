//! Closures without a value, and the macro where an expression stands.

use std::sync::atomic::{AtomicBool, Ordering};

static REACHED: AtomicBool = AtomicBool::new(false);
const NAME: &str = "unit-expression";

pub async fn run(kind: u8) {
    fail::fail_point!("unit-unit", |_| {});
    match kind {
        0 => fail::fail_point!(NAME, |_| ()),
        _ => (),
    }
    let nothing = fail::fail_point!(&format!("unit-{kind}"), |_| ());
    assert_eq!(nothing, ());
    REACHED.store(true, Ordering::Relaxed);
}

#[tokio::test]
async fn each_form_returns() {
    for (kind, name) in [(0, NAME), (1, "unit-unit"), (1, "unit-1")] {
        fail::cfg(name, "return").unwrap();
        run(kind).await;
        assert!(!REACHED.load(Ordering::Relaxed), "{name}");
        fail::remove(name);
    }
    run(0).await;
    assert!(REACHED.load(Ordering::Relaxed));
}
