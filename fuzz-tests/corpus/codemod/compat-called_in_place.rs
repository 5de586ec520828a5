//! A closure that is called where it stands becomes an async block.
#![allow(clippy::redundant_closure_call)]

pub async fn timeout() -> u32 {
    let millis = (|| {
        fail::fail_point!("in-place", |n| n.unwrap().parse().unwrap());
        1000
    })();
    let moved = String::from("x");
    let length = (move || {
        fail::fail_point!("in-place-moved", |_| 0);
        moved.len() as u32
    })();
    millis + length
}

pub async fn question() -> Result<u32, String> {
    (|| {
        fail::fail_point!("in-place-question", |_| Err("no".to_owned()));
        Ok::<(), String>(())
    })()?;
    Ok(1)
}

pub async fn without_braces(number: u32) -> u32 {
    let mut seen = false;
    (|| fail::fail_point!("in-place-bare", number == 2, |_| seen = true))();
    #[cfg(test)]
    (move || fail::fail_point!("in-place-moved-bare"))();
    u32::from(seen)
}

#[tokio::test]
async fn its_value_is_the_same() {
    assert_eq!(timeout().await, 1001);
    fail::cfg("in-place", "return(5)").unwrap();
    fail::cfg("in-place-moved", "return").unwrap();
    assert_eq!(timeout().await, 5);
    assert_eq!(question().await, Ok(1));
    fail::cfg("in-place-question", "return").unwrap();
    assert_eq!(question().await, Err("no".to_owned()));
    fail::cfg("in-place-bare", "return").unwrap();
    assert_eq!(without_braces(1).await, 0);
    assert_eq!(without_braces(2).await, 1);
}
