//! A name and a closure: `Err(..)?` in it, several statements, `self` and locals.

#[derive(Debug, PartialEq)]
pub struct Refused(String);

impl From<std::fmt::Error> for Refused {
    fn from(_: std::fmt::Error) -> Self {
        Refused("formatter".to_owned())
    }
}

pub struct Store {
    prefix: String,
}

impl Store {
    pub async fn put(&mut self, key: &str) -> Result<usize, Refused> {
        let full = format!("{}/{key}", self.prefix);
        fail::fail_point!("closure-put", |reason: Option<String>| {
            self.prefix.push('!');
            let words = reason.unwrap_or_else(|| full.clone());
            Err(Refused(format!("{words} {full}")))
        });
        fail::fail_point!("closure-question", |_| {
            Err(std::fmt::Error)?;
            Ok(0)
        });
        Ok(full.len())
    }
}

#[tokio::test]
async fn the_closure_sees_what_is_around_it() {
    let mut store = Store {
        prefix: "a".to_owned(),
    };
    assert_eq!(store.put("b").await, Ok(3));
    fail::cfg("closure-put", "1*return(disk)").unwrap();
    assert_eq!(store.put("b").await, Err(Refused("disk a/b".to_owned())));
    assert_eq!(store.prefix, "a!");
    fail::cfg("closure-question", "1*return").unwrap();
    assert_eq!(store.put("b").await, Err(Refused("formatter".to_owned())));
}
