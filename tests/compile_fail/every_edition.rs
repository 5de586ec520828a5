// builds: edition-2018, edition-2021, edition-2024, testing, plain
// The macros in a crate of whatever edition: there is nothing here that fails.
#![deny(warnings)]
use neon_failpoint::*;
use tokio_util::sync::CancellationToken;

fn token() -> CancellationToken {
    CancellationToken::new()
}

const NAME: &str = "x";

fn blocking(name: &str) -> Result<u8, String> {
    fail_point_sync!("x");
    fail_point_sync!(const { NAME });
    fail_point_sync!(const { concat!("x", "-y") }, |value| Err(value));
    fail_point_with_context_sync!(const { NAME }, &failpoint_context! {}, |_| Ok(2));
    compat::fail_point!(const { NAME }, |_| Ok(4));
    fail_point_sync!(&format!("{}-x", name), |value| Err(value));
    fail_point_sync!("x", name.is_empty(), |_| Ok(1));
    fail_point_with_context_sync!(name, &failpoint_context! { "k" => name });
    fail_point_with_context_sync!("x", &failpoint_context! { "k" => name }, |_| Ok(2));
    fail_point_with_context_sync!("x", &failpoint_context! {}, name.is_empty(), |_| Ok(3));
    Ok(0)
}

// Until edition 2024 the temporaries of a last expression outlive the locals.
fn last_expression() {
    let name = std::cell::RefCell::new(String::from("x"));
    fail_point_sync!(&name.borrow())
}

fn last_expression_of_compat() {
    let name = std::cell::RefCell::new(String::from("x"));
    // Without the feature, as in `fail`, nothing of the macro is left.
    drop(name.borrow());
    compat::fail_point!(&name.borrow())
}

async fn awaiting(name: &str) -> Result<u8, String> {
    fail_point!("x");
    fail_point!(const { NAME }, name.is_empty(), |_| Ok(1));
    fail_point_with_context!(const { NAME }, &failpoint_context! { "k" => name });
    compat::async_fail_point!(const { NAME });
    fail_point!(&format!("{}-x", name), |value| Err(value));
    fail_point!("x", name.is_empty(), |_| Ok(1));
    fail_point_with_context!(name, &failpoint_context! { "k" => name });
    fail_point_with_context!("x", &failpoint_context! { "k" => name }, |_| Ok(2));
    fail_point_with_context!("x", &failpoint_context! {}, name.is_empty(), |_| Ok(3));
    Ok(0)
}

async fn futures(name: &str) -> Result<FailpointResult, ()> {
    use failpoint_support::implicit_await;
    pausable_failpoint!(const { NAME }, &token()).await?;
    sleep_millis_async!(const { NAME }).await;
    let _ = failpoint!(const { NAME }, cancel = &token()).await;
    implicit_await::pausable_failpoint!(const { NAME });
    implicit_await::pausable_failpoint!("x", token())?;
    implicit_await::sleep_millis_async!(const { NAME }, &token());
    pausable_failpoint!("x").await?;
    pausable_failpoint!(&format!("{}-x", name), &token()).await?;
    sleep_millis_async!("x").await;
    sleep_millis_async!(name, &token()).await;
    let _ = failpoint!("x").await;
    let _ = failpoint!(name, cancel = &token()).await;
    Ok(failpoint!("x", &failpoint_context! { "k" => name }, cancel = &token()).await)
}

fn main() {
    last_expression();
    last_expression_of_compat();
    let _ = (blocking("x"), awaiting("x"), futures("x"));
}
