//! The actions of one failpoint, as text: what the body of a PUT says, and whether a GET asks for it.

use crate::http::fields::{essence, is_json, text};
use crate::http::message::Request;

/// The actions that are the body of `request`.
///
/// curl calls a body of `-d` a form; it is taken as it is sent. That a form has this type helps no page
/// of another site: a form cannot send a PUT, and before a script may, the browser asks, in vain.
pub(super) fn actions<'a>(request: &Request<'a>) -> Result<&'a str, String> {
    let content_type = request.content_type.unwrap_or("text/plain");
    let kind = essence(content_type);
    let is_text = kind.starts_with("text/")
        || kind == "application/x-www-form-urlencoded"
        || kind == "application/octet-stream";
    if !is_text {
        let hint = match is_json(content_type) {
            true => "; JSON configures at /v1/failpoints",
            false => "",
        };
        return Err(format!(
            "the content type is {content_type:?}; expected text/plain, the body being the actions, \
             such as pause{hint}"
        ));
    }
    // An editor, or `echo`, ends a text with a line end.
    Ok(text(request.body)?.trim_end())
}

/// Whether the header `accept` wants text rather than JSON.
pub(super) fn wants_text(accept: &str) -> bool {
    quality(accept, "text", "plain") > quality(accept, "application", "json")
}

/// Returns how much a type is wanted, and, between two that are wanted as much, how exactly it is named.
fn quality(accept: &str, kind: &str, subtype: &str) -> (u32, u32) {
    let ranges = accept.split(',').filter_map(|range| {
        let named = match essence(range).split_once('/')? {
            ("*", "*") => 1,
            (k, "*") if k == kind => 2,
            (k, s) if (k, s) == (kind, subtype) => 3,
            _ => return None,
        };
        let mut parameters = range.split(';').skip(1).map(str::trim);
        let q = parameters.find_map(|p| p.strip_prefix("q=").or_else(|| p.strip_prefix("Q=")));
        let q: f64 = q.map_or(Ok(1.0), |q| q.trim().parse()).ok()?;
        // A thousandth is as fine as it may be.
        let thousandths = (q.clamp(0.0, 1.0) * 1000.0) as u32;
        Some((named, thousandths))
    });
    // What names a type most exactly counts.
    match ranges.max() {
        None | Some((_, 0)) => (0, 0),
        Some((named, thousandths)) => (thousandths, named),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_what_is_wanted_more() {
        for accept in [
            "text/plain",
            "TEXT/Plain; charset=utf-8",
            "text/*",
            "text/plain, */*",
            "*/*, text/plain",
            "text/plain, application/json;q=0.9",
            "application/json; q=0, */*",
            "text/html, text/plain;q=0.1",
        ] {
            assert!(wants_text(accept), "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "application/json",
            "application/json, text/plain, */*",
            "text/plain;q=0",
            "text/plain;q=0, */*",
            "text/plain;q=x",
            "text/plain;q=NaN",
            "text/plain;q=0.5, application/json",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "text",
            "plain/text",
        ] {
            assert!(!wants_text(accept), "{accept}");
        }
    }

    #[test]
    fn actions_are_text_by_any_name() {
        let put = |content_type: &'static str, body: &'static [u8]| {
            actions(
                &Request::new("PUT", "")
                    .content_type(content_type)
                    .body(body),
            )
        };
        assert_eq!(
            actions(&Request::new("PUT", "").body(b"pause")),
            Ok("pause")
        );
        for good in [
            "text/plain",
            "text/plain; charset=utf-8",
            "application/x-www-form-urlencoded",
            "application/octet-stream",
        ] {
            assert_eq!(
                put(good, b" return(a b+%20)\r\n"),
                Ok(" return(a b+%20)"),
                "{good}"
            );
        }
        for bad in ["", "application/json", "multipart/form-data; boundary=x"] {
            let message = put(bad, b"pause").unwrap_err();
            assert!(
                message.contains(&format!("{bad:?}; expected text/plain")),
                "{message}"
            );
        }
        assert!(
            put("text/plain", b"return(\xff)")
                .unwrap_err()
                .contains("UTF-8 at byte 7")
        );
    }
}
