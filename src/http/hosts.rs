//! Whom a request has to have meant, for it to be answered.
//!
//! A page whose site rebinds its name to the loopback address is, to the browser, of the same origin as
//! this server. What it cannot change is the name that it was loaded by: the header `host` has it.

use std::net::IpAddr;
use std::sync::Arc;

use crate::error::Word;

/// The names that are answered.
#[derive(Clone, Debug)]
pub(super) struct Hosts(Arc<[String]>);

impl Hosts {
    pub(super) fn new(hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(hosts.into_iter().map(Into::into).collect())
    }

    /// Checks that `host`, the header or the authority of a request, is one of them.
    pub(super) fn check(&self, host: Option<&str>) -> Result<(), String> {
        let expected = match &*self.0 {
            [] => "and none is answered".to_owned(),
            hosts => format!("expected {}", hosts.join(", ")),
        };
        let Some(host) = host else {
            return Err(format!("the request has no header `host`; {expected}"));
        };
        let asked = name(host);
        // An address of a newer kind may also be listed without its brackets.
        let is_it = |listed: &String| match listed.parse() {
            Ok(IpAddr::V6(address)) => asked == Some(Name::Address(address.into())),
            _ => asked.is_some() && name(listed) == asked,
        };
        match self.0.iter().any(is_it) {
            true => Ok(()),
            false => Err(format!(
                "the header `host` is {}, which is not a name that this program answers; \
                 {expected} (the option `Control::answer_hosts`)",
                Word(host)
            )),
        }
    }
}

/// A host without its port.
#[derive(Debug, PartialEq)]
enum Name {
    Address(IpAddr),
    Domain(String),
}

/// Returns whom `host` names; `None` if it is none.
fn name(host: &str) -> Option<Name> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            let address = address.parse().ok().map(IpAddr::V6)?;
            (Name::Address(address), port)
        }
        None => {
            let end = host.find(':').unwrap_or(host.len());
            let (name, port) = host.split_at(end);
            // The dot at the end is that of the root.
            let name = name.strip_suffix('.').unwrap_or(name);
            let name = match name.parse() {
                Ok(address) => Name::Address(IpAddr::V4(address)),
                Err(_) => Name::Domain(name.to_ascii_lowercase()),
            };
            (name, port)
        }
    };
    let is_port = match port.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_digit()),
        None => port.is_empty(),
    };
    let is_empty = name == Name::Domain(String::new());
    (is_port && !is_empty).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_case_do_not_matter() {
        let hosts = Hosts::new(["localhost", "127.0.0.1", "::1", "Db.Example.Com:8080"]);
        for host in [
            "localhost",
            "LocalHost:8080",
            "localhost:",
            "localhost.",
            "localhost.:80",
            "127.0.0.1",
            "127.0.0.1:65535",
            "[::1]",
            "[::1]:8080",
            "[0:0:0:0:0:0:0:1]:1",
            "db.example.com",
            "DB.EXAMPLE.COM:9",
        ] {
            assert_eq!(hosts.check(Some(host)), Ok(()), "{host}");
        }
        for host in [
            "",
            ":8080",
            "evil.example",
            "localhost.evil.example",
            "evil.example:127.0.0.1",
            "localhost:8080@evil.example",
            "evil.example@localhost",
            "user@localhost",
            "localhost:80:80",
            "localhost, evil.example",
            " localhost",
            "localhost..",
            "127.0.0.2",
            "127.0.0.1.evil.example",
            "::1",
            "[::1",
            "[::1]x",
            "[::2]",
            "[localhost]",
            "[::ffff:127.0.0.1]",
        ] {
            let message = hosts.check(Some(host)).unwrap_err();
            assert!(message.contains(&format!("{host:?}")), "{message}");
            assert!(
                message.contains("expected localhost, 127.0.0.1, ::1,"),
                "{message}"
            );
        }
        assert!(hosts.check(None).unwrap_err().contains("no header `host`"));
    }

    #[test]
    fn an_address_may_be_listed_in_brackets() {
        let hosts = Hosts::new(["[::1]"]);
        assert_eq!(hosts.check(Some("[::1]:80")), Ok(()));
        assert!(hosts.check(Some("localhost")).is_err());
    }

    #[test]
    fn what_is_no_name_answers_nobody() {
        for listed in ["", ":80", "[x]", "a:b"] {
            let hosts = Hosts::new([listed]);
            for host in [listed, "", "localhost"] {
                assert!(hosts.check(Some(host)).is_err(), "{listed} {host}");
            }
        }
        let none = Hosts::new(<[String; 0]>::default());
        assert!(
            none.check(Some("localhost"))
                .unwrap_err()
                .contains("none is answered")
        );
    }
}
