//! What is said of a configuration that may not do what was meant.

use super::*;
use neon_failpoint::compat::{async_fail_point, fail_point as compat_fail_point};
use neon_failpoint::failpoint_support::implicit_await;
use neon_failpoint::{
    fail_point_sync, fail_point_with_context, fail_point_with_context_sync, failpoint as hit,
    failpoint_blocking, pausable_failpoint, sleep_millis_async,
};

/// Every macro in every form, that of each name twice: with the letter of what a `return` does there.
#[allow(dead_code)]
mod sites {
    use super::*;

    const YES: bool = true;

    pub(super) async fn that_return() -> Result<(), String> {
        let context = failpoint_context! { "k" => 1 };
        let token = tokio_util::sync::CancellationToken::new();
        fail_point!("http-value-1", Err);
        fail_point!("http-value-2", YES, |reason| { Err(reason) },);
        fail_point_sync!("http-value-3", Err);
        fail_point_sync!("http-value-4", YES, Err);
        fail_point_with_context!("http-value-5", &context, Err);
        fail_point_with_context!("http-value-6", &context, YES, Err);
        fail_point_with_context_sync!("http-value-7", &context, |reason: String| Err(reason + "!"),);
        fail_point_with_context_sync!("http-value-8", &context, YES, Err);
        let _ = hit!("http-value-9").await;
        let _ = hit!("http-value-10", &context).await;
        let _ = hit!("http-value-11", cancel = &token).await;
        let _ = hit!("http-value-12", &context, cancel = &token).await;
        compat_fail_point!("http-value-13", |_| Ok(()));
        compat_fail_point!("http-value-14", YES, |_| Ok(()));
        async_fail_point!("http-value-15", |_| Ok(()));
        async_fail_point!("http-value-16", YES, |_| Ok(()));
        Ok(())
    }

    pub(super) const VALUES: usize = 16;

    pub(super) async fn that_panic() {
        let context = failpoint_context! { "k" => 1 };
        fail_point!("http-panics-1");
        fail_point!("http-panics-2",);
        fail_point_sync!("http-panics-3");
        fail_point_sync!("http-panics-4",);
        fail_point_with_context!("http-panics-5", &context);
        fail_point_with_context!("http-panics-6", &context,);
        fail_point_with_context_sync!("http-panics-7", &failpoint_context! { "k" => [1, 2][0] });
        fail_point_with_context_sync!("http-panics-8", &context,);
        compat_fail_point!("http-panics-9");
        async_fail_point!("http-panics-10",);
    }

    pub(super) const PANICS: usize = 10;

    pub(super) async fn that_do_not() {
        let token = tokio_util::sync::CancellationToken::new();
        let _ = pausable_failpoint!("http-ignores-1").await;
        let _ = pausable_failpoint!("http-ignores-2", &token).await;
        implicit_await::pausable_failpoint!("http-ignores-3");
        let _ = implicit_await::pausable_failpoint!("http-ignores-4", &token);
        sleep_millis_async!("http-millis-1").await;
        sleep_millis_async!("http-millis-2", &token).await;
        implicit_await::sleep_millis_async!("http-millis-3");
        implicit_await::sleep_millis_async!("http-millis-4", &token);
    }

    /// Names that have a site of each kind.
    pub(super) async fn of_several_kinds() -> Result<(), String> {
        fail_point!("http-mixed-value");
        fail_point!("http-mixed-value", Err);
        fail_point!("http-mixed-none");
        let _ = pausable_failpoint!("http-mixed-none").await;
        sleep_millis_async!("http-mixed-millis").await;
        fail_point_sync!("http-mixed-millis");
        Ok(())
    }
}

/// Configures `name` in both ways, and returns what is warned of.
async fn warnings(client: &mut Client, name: &str, actions: &str) -> Vec<String> {
    let body = json!([{ "name": name, "actions": actions }]).to_string();
    let list = client.post("/v1/failpoints", body).await.expect(200);
    let path = format!("/v1/failpoints/{name}");
    let one = client.put(&path, actions.to_owned()).await;
    assert_eq!(one.expect(200), list, "{name}");
    remove_failpoint(name);
    match list {
        Value::Null => Vec::new(),
        Value::Object(answer) => {
            assert_eq!(answer.keys().collect::<Vec<_>>(), ["warnings"]);
            let warnings: Vec<String> = serde_json::from_value(answer["warnings"].clone()).unwrap();
            assert!(!warnings.is_empty());
            warnings
        }
        answer => panic!("{answer}"),
    }
}

#[track_caller]
fn one(warnings: Vec<String>, parts: &[&str]) {
    let [warning] = warnings.as_slice() else {
        panic!("{warnings:?}");
    };
    for part in parts {
        assert!(warning.contains(part), "no {part:?}: {warning}");
    }
}

#[test]
fn a_return_where_nothing_can_return_is_warned_of_at_every_macro() {
    with_client("return", async |mut client| {
        let _table = TABLE.read().await;
        let mut silent: Vec<(String, &str)> = Vec::new();
        for n in 1..=sites::VALUES {
            silent.push((format!("http-value-{n}"), "return(5)"));
        }
        for n in 1..=4 {
            silent.push((format!("http-millis-{n}"), "return(5)"));
        }
        for name in ["http-panics-1", "http-ignores-1", "http-millis-1"] {
            silent.extend(
                [
                    "pause",
                    "print(return)",
                    "off->return",
                    "100%sleep(1)->return",
                ]
                .map(|actions| (name.to_owned(), actions)),
            );
        }
        silent.push(("http-mixed-value".to_owned(), "return"));
        silent.push(("http-mixed-millis".to_owned(), "return(7)->sleep(1)"));
        for (name, actions) in silent {
            let warnings = warnings(&mut client, &name, actions).await;
            assert!(warnings.is_empty(), "{name}: {actions}: {warnings:?}");
        }
        let here = file!();
        for n in 1..=sites::PANICS {
            let name = format!("http-panics-{n}");
            for actions in [
                "return",
                "return(x)",
                "2*off->1%return",
                "when(k=v)off->return",
            ] {
                let warnings = warnings(&mut client, &name, actions).await;
                let place = format!("a `return` panics for want of a closure at {here}:");
                one(
                    warnings,
                    &[&format!("{name:?}"), "no call site compiled in", &place],
                );
            }
        }
        for n in 1..=4 {
            let warnings = warnings(&mut client, &format!("http-ignores-{n}"), "return(5)").await;
            one(warnings, &[&format!("a `return` has no effect at {here}:")]);
        }
        for n in 1..=4 {
            for actions in [
                "return",
                "return(1s)",
                "return(-1)",
                "1*return(5)->return(x)",
            ] {
                let warnings = warnings(&mut client, &format!("http-millis-{n}"), actions).await;
                let place = format!("as return(250) does, at {here}:");
                one(
                    warnings,
                    &["a `return` sleeps as many milliseconds", &place],
                );
            }
        }
        let mixed = warnings(&mut client, "http-mixed-none", "return").await;
        one(
            mixed,
            &["panics for want of a closure at ", "; it has no effect at "],
        );
        let mixed = warnings(&mut client, "http-mixed-millis", "return").await;
        one(
            mixed,
            &["panics for want of a closure at ", "; it sleeps as many"],
        );
    });
}

#[test]
fn a_name_without_a_call_site_is_warned_of_with_those_like_it() {
    #[allow(dead_code)]
    async fn site() {
        fail_point!("http-warned-save");
    }
    with_client("misspelt", async |mut client| {
        let _table = TABLE.read().await;
        assert!(
            warnings(&mut client, "http-warned-save", "pause")
                .await
                .is_empty()
        );
        for name in ["http-warned-saev", "http-warned_save", "Http-warned-save"] {
            let warnings = warnings(&mut client, name, "pause").await;
            let parts = [
                &format!("failpoint {name:?}: no call site compiled in has that name"),
                "a name made at run time may",
                "\"http-warned-save\"",
            ];
            one(warnings, &parts);
        }
        let unlike = warnings(&mut client, "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "pause").await;
        assert!(!unlike[0].contains("like it"), "{unlike:?}");
        // One that was hit is made at run time.
        client.arm("http-warned-other", "off").await;
        let _ = failpoint_blocking("http-warned-sav", None);
        let known = warnings(&mut client, "http-warned-sav", "pause").await;
        assert!(known.is_empty(), "{known:?}");
        remove_failpoint("http-warned-other");
        remove_failpoint("http-warned-sav");
        // Each that is wrong, in their order; the others are configured as well.
        let body = json!([
            { "name": "http-warned-a", "actions": "return" },
            { "name": "http-warned-save", "actions": "return" },
            { "name": "http-value-1", "actions": "return" },
        ]);
        let answer = client
            .post("/v1/failpoints", body.to_string())
            .await
            .expect(200);
        let said = answer["warnings"].as_array().unwrap();
        assert_eq!(said.len(), 2, "{answer}");
        assert!(
            said[0]
                .as_str()
                .unwrap()
                .contains("\"http-warned-a\": no call site")
        );
        assert!(
            said[1]
                .as_str()
                .unwrap()
                .contains("\"http-warned-save\": no call site compiled in can return")
        );
        for name in ["http-warned-a", "http-warned-save", "http-value-1"] {
            assert_eq!(info(name).unwrap().actions(), Some("return"));
            remove_failpoint(name);
        }
        // What is refused is not warned of.
        let body = r#"[{"name": "http-warned-a", "actions": "retrun"}]"#;
        let refused = client.post("/v1/failpoints", body).await;
        assert!(refused.body.get("warnings").is_none());
        refused.refused(400, &["retrun"]);
    });
}

/// To look for names that are like thousands of wrong ones would take long.
#[test]
fn names_are_suggested_for_the_first_ten_of_a_request() {
    #[allow(dead_code)]
    async fn site() {
        fail_point!("http-many-wrong-");
    }
    with_client("many wrong", async |mut client| {
        let _table = TABLE.write().await;
        let names: Vec<String> = (0..100).map(|n| format!("http-many-wrong-{n}")).collect();
        let entries: Vec<Value> = names
            .iter()
            .map(|name| json!({ "name": name, "actions": "off" }))
            .collect();
        let body = Value::from(entries).to_string();
        let answer = client.post("/v1/failpoints", body).await.expect(200);
        let warnings = answer["warnings"].as_array().unwrap();
        assert_eq!(warnings.len(), names.len());
        for (n, (warning, name)) in warnings.iter().zip(&names).enumerate() {
            let warning = warning.as_str().unwrap();
            let starts = format!("failpoint {name:?}: no call site compiled in has that name");
            assert!(warning.starts_with(&starts), "{warning}");
            let suggests = warning.contains("names like it are [\"http-many-wrong-\"");
            assert_eq!(suggests, n < 10, "{warning}");
            assert!(info(name).is_some(), "{name}");
        }
        for name in &names {
            remove_failpoint(name);
        }
    });
}
