//! `examples/http_server.rs` does what README.md says: the commands in the README are played
//! against it, by a client of our own in the place of curl.
//!
//! `cargo test` builds the example; `cargo test --test http` alone does not.

use std::env::consts::EXE_SUFFIX;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::common::DEADLINE;
use crate::common::http::{Answer, Client, net};

/// `<target>/debug/deps/this_test` is beside `<target>/debug/examples/`.
fn command(arguments: &[&str]) -> Command {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let program = profile.join(format!("examples/http_server{EXE_SUFFIX}"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/http_server.rs");
    let modified = |path: &Path| std::fs::metadata(path).and_then(|m| m.modified());
    assert!(
        modified(&program).is_ok_and(|built| built >= modified(&source).unwrap()),
        "{} is missing or older than its source; `cargo test` without `--test` builds it",
        program.display()
    );
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_remove("FAILPOINTS")
        .env_remove("RUST_BACKTRACE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A file of its own for the log of one server.
fn log(test: &str) -> PathBuf {
    let name = format!("http-example-{test}-{}.log", std::process::id());
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_file(&path);
    path
}

/// The example, until this is dropped.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(log: &Path) -> Self {
        let log = log.to_str().unwrap();
        let mut child = command(&["--listen", "127.0.0.1:0", "--log", log])
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let (sender, first) = channel();
        std::thread::spawn(move || {
            // To the end, so that the server never writes into a closed pipe.
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let line = first.recv_timeout(DEADLINE).unwrap();
        let address = line.strip_prefix("listening on http://").unwrap();
        let address = address.parse().unwrap();
        Self { child, address }
    }

    async fn client(&self) -> Client {
        Client::connect(self.address).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command of the README and what it prints.
#[derive(Debug)]
struct Step {
    method: String,
    path: String,
    content_type: Option<&'static str>,
    accept: Option<String>,
    body: String,
    in_background: bool,
    prints: String,
}

/// The block of the README that talks to the example.
fn session() -> Vec<Step> {
    let readme = include_str!("../../README.md");
    let blocks = readme.split("```console\n").skip(1);
    let blocks: Vec<&str> = blocks.map(|b| b.split("```").next().unwrap()).collect();
    let block = blocks.into_iter().find(|b| b.contains("/v1/failpoints"));
    let mut steps: Vec<Step> = Vec::new();
    for line in block.expect("a session with curl").lines() {
        match line.strip_prefix("$ ") {
            Some(command) => steps.push(step(command)),
            None => steps.last_mut().unwrap().prints.push_str(line),
        }
    }
    steps
}

/// Reads the few of curl's arguments that the README has.
fn step(command: &str) -> Step {
    let command = command.split(" #").next().unwrap().trim();
    let mut step = Step {
        method: "GET".to_owned(),
        path: String::new(),
        content_type: None,
        accept: None,
        body: String::new(),
        in_background: command.ends_with('&'),
        prints: String::new(),
    };
    // Between quotes a space is not the end of a word.
    let mut words = Vec::new();
    for (number, part) in command.trim_end_matches('&').split('\'').enumerate() {
        match number % 2 {
            0 => words.extend(part.split_whitespace()),
            _ => words.push(part),
        }
    }
    let mut words = words.into_iter();
    assert_eq!(words.next(), Some("curl"), "{command}");
    while let Some(word) = words.next() {
        match word {
            "-X" => step.method = words.next().unwrap().to_owned(),
            "-H" => {
                let accept = words.next().unwrap().strip_prefix("accept: ");
                step.accept = Some(accept.unwrap().to_owned());
            }
            "-d" | "--json" => {
                step.body = words.next().unwrap().to_owned();
                step.content_type = Some(match word {
                    "-d" => "application/x-www-form-urlencoded",
                    _ => "application/json",
                });
                if step.method == "GET" {
                    step.method = "POST".to_owned();
                }
            }
            url => {
                let path = url.strip_prefix("127.0.0.1:8080").unwrap();
                step.path = path.to_owned();
            }
        }
    }
    step
}

impl Step {
    fn run(&self, mut client: Client) -> JoinHandle<Answer> {
        let (method, path) = (self.method.clone(), self.path.clone());
        let (content_type, body) = (self.content_type, self.body.clone());
        client.accept = self.accept.clone();
        tokio::spawn(async move { client.send(&method, &path, content_type, body).await })
    }

    /// Where the README ends with two points, there is more.
    fn check(&self, answer: &Answer) {
        let text = match &answer.body {
            Value::String(text) => text.clone(),
            json => json.to_string(),
        };
        assert!(answer.status < 300, "{self:?}: {answer:?}");
        match self.prints.strip_suffix("..") {
            None => assert_eq!(text, self.prints, "{self:?}"),
            Some(beginning) => {
                // `Value` sorts the fields, which the README has as they come.
                let begun = format!("{}}}", beginning.trim_end_matches(','));
                let begun: Value = serde_json::from_str(&begun).unwrap();
                for (field, value) in begun.as_object().unwrap() {
                    assert_eq!(&answer.body[field], value, "{self:?}: {text}");
                }
            }
        }
    }
}

#[test]
fn the_session_of_the_readme_is_true() {
    let steps = session();
    assert!(steps.len() >= 11, "{steps:#?}");
    assert_eq!(steps.iter().filter(|s| s.in_background).count(), 1);
    let log = log("readme");
    net("the session", async move || {
        let server = Server::start(&log);
        let mut background = Vec::new();
        for step in steps {
            let answer = step.run(server.client().await);
            if step.in_background {
                background.push((step, answer));
                continue;
            }
            step.check(&answer.await.unwrap());
            if step.path.ends_with("/release") {
                for (mut step, answer) in background.drain(..) {
                    // What it prints when it is let go is of no interest.
                    step.prints = "ok".to_owned();
                    step.check(&answer.await.unwrap());
                }
            }
            for (_, answer) in &background {
                assert!(!answer.is_finished(), "it was to hang");
            }
        }
        assert!(background.is_empty(), "nothing lets it go");
        std::fs::remove_file(log).unwrap();
    });
}

#[test]
fn a_page_that_rebinds_its_name_reaches_no_failpoint() {
    let log = log("rebinding");
    net("rebinding", async move || {
        let server = Server::start(&log);
        let mut client = server.client().await;
        client.host = Some(format!("evil.example:{}", server.address.port()));
        let list = "/v1/failpoints";
        client.get(list).await.refused(403, &["\"evil.example:"]);
        let body = r#"[{"name": "kv-before-log", "actions": "exit"}]"#;
        client
            .post(list, body)
            .await
            .refused(403, &["expected localhost, 127.0.0.1"]);
        for host in ["localhost", "127.0.0.1"] {
            client.host = Some(format!("{host}:{}", server.address.port()));
            let points = client.get(list).await.expect(200);
            let points = points.as_array().unwrap();
            assert!(points.iter().all(|point| point["configured"] == false));
        }
        std::fs::remove_file(log).unwrap();
    });
}

#[test]
fn what_was_in_the_log_when_the_process_ended_is_there_again() {
    let log = log("exit");
    net("exit", async move || {
        let mut server = Server::start(&log);
        let mut client = server.client().await;
        for (key, value) in [("colour", "green"), ("shape", "round")] {
            let path = format!("/kv/{key}");
            client.send("PUT", &path, None, value).await.expect(200);
        }
        client.delete("/kv/shape").await.expect(200);
        // Before it is in the log it never was.
        client.arm("kv-before-log", "return(disk full)").await;
        let answer = client.send("PUT", "/kv/colour", None, "blue").await;
        assert_eq!(answer.expect(500), "disk full");
        assert_eq!(client.get("/kv/colour").await.expect(200), "green");

        let body = json!([
            { "name": "kv-before-log", "actions": "off" },
            { "name": "kv-before-apply", "actions": "exit", "context_matchers": { "key": "co.*" } },
        ]);
        let answer = client.post("/v1/failpoints", body.to_string()).await;
        assert_eq!(answer.expect(200), Value::Null);
        client
            .send("PUT", "/kv/size", None, "large")
            .await
            .expect(200);
        let path = "/kv/colour".to_owned();
        let put = tokio::spawn(async move { client.send("PUT", &path, None, "red").await });
        assert!(put.await.is_err(), "nobody answers any more");
        assert_eq!(server.child.wait().unwrap().code(), Some(1));
        let mut said = String::new();
        let mut stderr = server.child.stderr.take().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        assert!(said.contains("kv-before-apply"), "{said}");

        let server = Server::start(&log);
        let mut client = server.client().await;
        for (key, value) in [("colour", "red"), ("size", "large")] {
            assert_eq!(client.get(&format!("/kv/{key}")).await.expect(200), value);
        }
        client.get("/kv/shape").await.expect(404);
        drop(server);
        std::fs::remove_file(log).unwrap();
    });
}

#[test]
fn a_change_that_a_crash_cut_off_never_was() {
    let log = log("torn");
    std::fs::write(&log, "[\"colour\",\"green\"]\n[\"colour\",\"re").unwrap();
    net("torn", async move || {
        for value in ["green", "blue"] {
            let server = Server::start(&log);
            let mut client = server.client().await;
            assert_eq!(client.get("/kv/colour").await.expect(200), value);
            client
                .send("PUT", "/kv/colour", None, "blue")
                .await
                .expect(200);
        }
        std::fs::remove_file(log).unwrap();
    });
}

#[test]
fn a_bad_argument_gets_a_clear_message() {
    for (arguments, part) in [
        (&["--listen"][..], "--listen needs an address"),
        (
            &["--listen", "8080"],
            "--listen \"8080\" is not an address and a port",
        ),
        (
            &["--listen", "0.0.0.0:0"],
            "could be reached from other machines",
        ),
        (&["--lisen", "127.0.0.1:0"], "\"--lisen\" is no argument"),
    ] {
        let output = command(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(part) && said.contains("usage: "), "{said}");
        assert!(output.stdout.is_empty());
    }
    let no_folder = log("none").join("file");
    let arguments = [
        "--listen",
        "127.0.0.1:0",
        "--log",
        no_folder.to_str().unwrap(),
    ];
    let output = command(&arguments).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("the log ") && !said.contains("usage: "),
        "{said}"
    );

    let help = command(&["--help"]).output().unwrap();
    assert!(help.status.success());
    assert!(
        String::from_utf8(help.stdout)
            .unwrap()
            .contains("--listen ADDRESS")
    );
}
