//! Proves that a macro takes any expression that is a text as a name.

use super::prelude::*;
use std::borrow::Cow;
use std::rc::Rc;

/// Proves that every macro takes the expression as a name and hits that point.
macro_rules! can_be {
    ($($test:ident: $value:literal as ($($name:tt)+);)*) => {
        $(#[test]
        fn $test() {
            let _alone = isolate();
            counts($value);
            now(async { hit_by_every_macro!($($name)+) });
            assert_stats($value, (FORMS, FORMS, 0));
        })*
    };
}

use super::FORMS;

const CONST: &str = "macros-const";
const CONST_BLOCK: &str = "macros-const-block";
mod consts {
    pub(super) const SITE: &str = "macros-const-SITE";
}
static STATIC: &str = "macros-static";
static SITE: &str = "macros-SITE";
trait Named {
    const NAME: &'static str = "macros-associated";
}
impl Named for () {}

fn made(of: &str) -> String {
    format!("macros-{of}")
}

can_be! {
    can_be_a_literal: "macros-literal" as ("macros-literal");
    can_be_a_raw_literal: "macros-\"raw\"" as (r#"macros-"raw""#);
    can_be_a_const: "macros-const" as (CONST);
    can_be_a_const_of_a_call_site: "macros-const-block" as (const { CONST_BLOCK });
    can_be_a_const_called_as_a_static: "macros-const-SITE" as (const { consts::SITE });
    can_be_a_static: "macros-static" as (STATIC);
    can_be_called_as_the_static_of_a_call_site: "macros-SITE" as (SITE);
    can_be_an_associated_const: "macros-associated" as (<() as Named>::NAME);
    can_be_a_macro_call: "macros-concat-1" as (concat!("macros-", "concat-", 1));
    can_be_a_block: "macros-block" as ({ "macros-block" });
    can_be_parenthesised: "macros-parentheses" as (("macros-parentheses"));
    can_be_chosen: "macros-if" as (if FORMS == 0 { "" } else { "macros-if" });
    can_be_a_temporary_string: "macros-format-1" as (&format!("macros-format-{}", 1));
    can_be_a_string_that_a_function_makes: "macros-made" as (&made("made"));
    can_be_a_slice_of_a_temporary: "macros-slice" as (made("slice, and more")[..12].trim());
    can_be_a_temporary_cow: "macros-cow" as (&Cow::Borrowed("macros-cow"));
    can_be_a_temporary_rc: "macros-rc" as (&Rc::<str>::from("macros-rc"));
    can_be_a_reference_to_a_reference: "macros-references" as (&&"macros-references");
}

#[test]
fn can_be_a_local_variable() {
    let _alone = isolate();
    let name = "macros-local-str";
    let string = "macros-local-string".to_owned();
    let fields = ("macros-field".to_owned(), ["macros-element"]);
    for name in [name, &string, &fields.0, fields.1[0]] {
        counts(name);
    }
    now(async {
        hit_by_every_macro!(name);
        hit_by_every_macro!(&string);
        hit_by_every_macro!(string.as_str());
        hit_by_every_macro!(&fields.0);
        hit_by_every_macro!(fields.1[0]);
    });
    assert_stats(name, (FORMS, FORMS, 0));
    assert_stats(&string, (2 * FORMS, 2 * FORMS, 0));
    assert_stats(&fields.0, (FORMS, FORMS, 0));
    assert_stats(fields.1[0], (FORMS, FORMS, 0));
}

#[test]
fn can_be_any_text_the_empty_one_included() {
    let _alone = isolate();
    now(async {
        hit_by_every_macro!("");
        hit_by_every_macro!("a=b;c->d(\"{}\")\n\u{0}ü");
    });
    counts("macros a=b;c->d(\"{}\")\n\u{0}ü");
    now(async { hit_by_every_macro!("macros a=b;c->d(\"{}\")\n\u{0}ü") });
    assert_stats("macros a=b;c->d(\"{}\")\n\u{0}ü", (FORMS, FORMS, 0));
}
