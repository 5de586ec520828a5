//! Closures that can take a `String` for an `Option<String>`.

pub async fn ignores() -> Result<u32, String> {
    fail::fail_point!("native-name-only");
    fail::fail_point!("native-ignores", |_| Err("ignored".to_owned()));
    fail::fail_point!("native-unused", |_value| Err("unused".to_owned()));
    fail::fail_point!("native-typed", |_: Option<String>| Err("typed".to_owned()));
    Ok(0)
}

pub async fn unwraps(go: bool) -> Result<u32, String> {
    fail::fail_point!("native-unwrap", |v| Err(v.unwrap()));
    fail::fail_point!("native-default", go, |v: Option<String>| {
        Err(format!("default {}", v.unwrap_or_default()))
    });
    fail::fail_point!("native-parse", |value| Ok(value
        .unwrap()
        .parse()
        .unwrap()));
    Ok(0)
}

pub async fn shadows() -> usize {
    fail::fail_point!("native-shadowed", |t| {
        let t = t.unwrap();
        t.len() * 2
    });
    fail::fail_point!("native-hidden", |t| {
        let all: Vec<String> = t.unwrap().split(' ').map(|t| t.to_owned()).collect();
        let mut sum = 0;
        for t in &all {
            sum += t.len();
        }
        if let Some(t) = all.first() {
            sum += t.len();
        }
        match all.last() {
            Some(t) if t.is_empty() => sum,
            Some(t) => sum + t.len(),
            None => sum,
        }
    });
    0
}

#[tokio::test]
async fn each_returns_what_it_did() {
    for name in ["ignores", "unused", "typed"] {
        let full = format!("native-{name}");
        fail::cfg(full.as_str(), "return(x)").unwrap();
        let expected = if name == "ignores" { "ignored" } else { name };
        assert_eq!(ignores().await, Err(expected.to_owned()));
        fail::remove(full);
    }
    fail::cfg("native-parse", "return(7)").unwrap();
    assert_eq!(unwraps(true).await, Ok(7));
    fail::cfg("native-default", "return(x)").unwrap();
    assert_eq!(unwraps(true).await, Err("default x".to_owned()));
    assert_eq!(unwraps(false).await, Ok(7));
    fail::cfg("native-unwrap", "return(y)").unwrap();
    assert_eq!(unwraps(true).await, Err("y".to_owned()));
    fail::cfg("native-shadowed", "return(four)").unwrap();
    assert_eq!(shadows().await, 8);
    fail::remove("native-shadowed");
    fail::cfg("native-hidden", "return(a bc)").unwrap();
    assert_eq!(shadows().await, 6);
}
