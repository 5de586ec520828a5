//! What is held across a failpoint may be Send or not where syntax does not tell: the compiler
//! decides, future by future, and no future that was Send ceases to be it.

use std::path::PathBuf;

use crate::common;

/// Types of which the file with the failpoints sees nothing.
const OTHERS: &str = "\
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard};

pub struct Gate;
pub struct Pass(#[allow(dead_code)] u32);
pub struct Closed;

impl Gate {
    pub fn enter(&self) -> Result<Pass, Closed> {
        Ok(Pass(1))
    }
    pub fn enter_now(&self) -> Pass {
        Pass(2)
    }
}

pub struct Span(Rc<u32>);
pub struct Inside(#[allow(dead_code)] Rc<u32>);

impl Span {
    pub fn new() -> Span {
        Span(Rc::new(1))
    }
    pub fn enter(&self) -> Inside {
        Inside(self.0.clone())
    }
}

pub struct Door;

impl Door {
    pub fn enter(&self) -> Pass {
        Pass(3)
    }
}

pub struct Cell(Mutex<u32>);

impl Cell {
    pub fn lock(&self) -> MutexGuard<'_, u32> {
        self.0.lock().unwrap()
    }
}

#[derive(Default)]
pub struct Sent(u32);

impl Sent {
    pub fn lock(&self) -> &u32 {
        &self.0
    }
}

pub trait Task: Send {
    fn run(&self) {}
}
pub trait Local {
    fn run(&self) {}
}
impl Task for u32 {}
impl Local for u32 {}
";

const SITES: &str = "\
use fail::fail_point;

use crate::others::{Cell, Closed, Door, Gate, Local, Sent, Span, Task};

pub async fn asked(gate: &Gate) -> Result<u32, Closed> {
    let _pass = gate.enter()?;
    fail_point!(\"asked\", |_| Ok(1));
    Ok(2)
}

pub async fn mapped(gate: &Gate) -> Result<(), String> {
    let _pass = gate.enter().map_err(|_| \"closed\")?;
    fail_point!(\"mapped\");
    Ok(())
}

pub async fn matched(gate: &Gate) {
    let Ok(_pass) = gate.enter() else { return };
    fail_point!(\"matched\");
}

pub async fn door(door: &Door) {
    let _pass = door.enter();
    fail_point!(\"door\");
}

pub async fn span(span: Sync<Span>) {
    let _inside = span.0.enter();
    fail_point!(\"span\");
}

pub struct Sync<T>(pub T);
// SAFETY: nothing is sent anywhere.
unsafe impl<T> Send for Sync<T> {}
unsafe impl<T> std::marker::Sync for Sync<T> {}

pub async fn sent(cell: &Sent) {
    let value = cell.lock();
    fail_point!(\"sent\");
    println!(\"{value}\");
}

pub async fn locked(cell: &Cell) {
    let value = cell.lock();
    fail_point!(\"locked\");
    println!(\"{value}\");
}

pub async fn task<T: Clone>(task: Box<dyn Task>, other: &T) -> impl Clone {
    fail_point!(\"task\", |_| other.clone());
    task.run();
    other.clone()
}

pub async fn local() -> u32 {
    let local: Box<dyn Local> = Box::new(1);
    fail_point!(\"local\", |_| 1);
    local.run();
    2
}

fn take<T>(_: T) {}

pub async fn taken() {
    let rc = std::rc::Rc::new(1);
    take(rc);
    fail_point!(\"taken\");
}

pub async fn captured() {
    let rc = std::rc::Rc::new(1);
    let f = move || *rc;
    take(f);
    fail_point!(\"captured\");
}

pub async fn dropped(cell: &Cell) {
    let guard = cell.lock();
    println!(\"{guard}\");
    drop(guard);
    fail_point!(\"dropped\");
}

pub async fn sometimes(early: bool) {
    let rc = std::rc::Rc::new(1);
    if early {
        take(rc);
    }
    fail_point!(\"sometimes\");
}

pub async fn held() {
    let rc = std::rc::Rc::new(1);
    fail_point!(\"held\");
    take(rc);
}

pub async fn in_a_block(door: &Door, inside: crate::others::Inside) {
    async {
        let _pass = door.enter();
        fail_point!(\"in-a-block\");
    }
    .await;
    take(inside);
}

pub fn spawns() -> impl std::future::Future<Output = Option<u8>> {
    let cell = Sent::default();
    async move {
        let first = cell.lock().checked_add(1)?;
        let value = cell.lock();
        fail_point!(\"block\");
        Some((first + value) as u8)
    }
}
";

fn dependencies() -> String {
    format!(
        "[features]\nfailpoints = [\"fail/failpoints\"]\n\n[dependencies]\n{}{}",
        common::shim(""),
        common::TOKIO
    )
}

fn project(name: &str, sites: &str) -> PathBuf {
    let folder = common::kept_crate(name, &dependencies());
    let root = "#![deny(warnings)]\npub mod others;\npub mod sites;\n";
    common::write(&folder.join("src/lib.rs"), root);
    common::write(&folder.join("src/others.rs"), OTHERS);
    common::write(&folder.join("src/sites.rs"), sites);
    folder
}

/// The names of the sites that await in a text, in its order.
fn awaiting(text: &str) -> Vec<&str> {
    let names = text.match_indices("async_fail_point!(\"");
    names
        .filter_map(|(at, call)| text[at + call.len()..].split('"').next())
        .collect()
}

#[test]
fn what_syntax_does_not_tell_the_compiler_decides() {
    let folder = project("tried", SITES);
    let said = common::migrated(&["rewrite", "--allow-dirty"], &folder);
    let after = common::read(&folder.join("src/sites.rs"));
    let wanted = [
        "asked",
        "mapped",
        "matched",
        "door",
        "sent",
        "task",
        "taken",
        "captured",
        "in-a-block",
        "block",
    ];
    assert_eq!(awaiting(&after), wanted, "{said}");
    let reason = |name: &str| {
        let line = said
            .lines()
            .find(|line| line.contains(&format!("  {name}  ")));
        line.unwrap_or_else(|| panic!("{name} is listed: {said}"))
            .to_owned()
    };
    let refused = "the compiler refused the edit: future cannot be sent between threads safely";
    for (name, value) in [
        ("span", "`_inside` has type `Inside` which is not `Send`"),
        ("locked", "MutexGuard<'_, u32>` which is not `Send`"),
        ("dropped", "`guard` has type "),
        (
            "local",
            "`local` has type `Box<dyn Local>` which is not `Send`",
        ),
        ("sometimes", "which is not `Send`"),
    ] {
        assert!(reason(name).contains(refused), "{said}");
        assert!(reason(name).contains(value), "{said}");
    }
    assert!(reason("held").contains("`rc` of line"), "{said}");
    // The assertions are gone.
    assert!(!after.contains("is_send"), "{after}");
}

/// Futures that stay on their thread without any edit.
const ON_ONE_THREAD: &str = "\
use crate::others::{Cell, Door, Inside};

pub async fn door(door: &Door, inside: &Inside) {
    let _pass = door.enter();
    fail::fail_point!(\"door\");
    let _ = inside;
}

pub async fn lock(cell: &Cell, inside: &Inside) {
    let value = cell.lock();
    fail::fail_point!(\"lock\");
    println!(\"{value}\");
    let _ = inside;
}

pub async fn counted() {
    let rc = std::rc::Rc::new(1);
    fail::fail_point!(\"counted\");
    drop(rc);
}
";

#[test]
fn a_future_that_never_was_send_may_hold_anything_but_a_lock() {
    let folder = project("on-one-thread", ON_ONE_THREAD);
    let said = common::migrated(&["rewrite", "--allow-dirty"], &folder);
    let after = common::read(&folder.join("src/sites.rs"));
    assert_eq!(awaiting(&after), ["door"], "{said}");
    let lock = "left: `value` of line 10, the guard of a lock, is held across it";
    assert!(said.contains(lock), "{said}");

    let options = ["rewrite", "--allow-dirty", "--allow-not-send"];
    let said = common::migrated(&options, &folder);
    let after = common::read(&folder.join("src/sites.rs"));
    assert_eq!(awaiting(&after), ["door", "lock", "counted"], "{said}");
}

#[test]
fn without_the_compiler_nothing_is_tried() {
    let folder = project("not-tried", SITES);
    let said = common::migrated(&["scan"], &folder);
    assert!(said.contains("15 can be rewritten, 1 left"), "{said}");
    assert!(said.contains("the compiler decides"), "{said}");
    let options = ["rewrite", "--allow-dirty", "--no-check"];
    let said = common::migrated(&options, &folder);
    let after = common::read(&folder.join("src/sites.rs"));
    // `?` and `map_err` are enough: spans are entered without a `Result`.
    assert_eq!(awaiting(&after), ["asked", "mapped"], "{said}");
    assert!(
        said.contains("an entered span or runtime, is held"),
        "{said}"
    );
}

/// Bodies that are hard to write as a block: what they borrow, take apart, give and are in.
const FORMS: &str = "\
use crate::others::{Door, Inside, Pass, Span};

pub struct Server<T> {
    door: Door,
    names: Vec<T>,
}

pub trait Visit {
    fn visit(&mut self) -> impl std::future::Future<Output = usize> + Send;
}

impl<T: AsRef<str> + Send + std::marker::Sync> Visit for Server<T> {
    async fn visit(&mut self) -> usize {
        let pass = self.door.enter();
        fail::fail_point!(\"in-a-trait\", |_| 0);
        take(pass);
        self.names.len()
    }
}

impl<T: AsRef<str>> Server<T> {
    pub async fn first<'a, F>(&'a mut self, (mut n, more): (usize, &[usize]), f: F) -> Result<&'a str, String>
    where
        F: Fn(usize) -> usize + 'a,
    {
        let _pass = self.door.enter();
        n = f(n);
        fail::fail_point!(\"borrows\", |_| Err(format!(\"{more:?}\")));
        let first = self.names.get(n).ok_or(\"none\")?;
        Ok(first.as_ref())
    }

    pub async fn span(&self, span: &crate::forms::Sync<Span>, mut at: usize) -> Result<usize, std::num::ParseIntError> {
        let _inside: Inside;
        at += 1;
        let _entered = span.0.enter();
        fail::fail_point!(\"method-span\", |_| \"1\".parse());
        Ok(at + \"2\".parse::<usize>()?)
    }

    pub async fn forever(&self) -> ! {
        let _pass = self.door.enter();
        fail::fail_point!(\"forever\");
        std::process::exit(1)
    }

    pub async fn nested(&self, span: &crate::forms::Sync<Span>) -> (usize, usize) {
        let inner = async {
            let _entered = span.0.enter();
            fail::fail_point!(\"nested-span\", |_| 1);
            2
        };
        let _pass = self.door.enter();
        fail::fail_point!(\"around-it\", |_| (1, 2));
        (inner.await, 3)
    }
}

pub struct Sync<T>(pub T);
// SAFETY: nothing is sent anywhere.
unsafe impl<T> Send for Sync<T> {}
unsafe impl<T> std::marker::Sync for Sync<T> {}

fn take(_: Pass) {}

pub async fn plain(door: Door) { let _pass = door.enter(); fail::fail_point!(\"one-line\") }
";

#[test]
fn a_body_of_any_form_is_asked_about() {
    let folder = project("forms", SITES);
    let root = "#![deny(warnings)]\npub mod forms;\npub mod others;\n";
    common::write(&folder.join("src/lib.rs"), root);
    common::write(&folder.join("src/sites.rs"), "");
    common::write(&folder.join("src/forms.rs"), FORMS);
    let said = common::migrated(&["rewrite", "--allow-dirty"], &folder);
    let after = common::read(&folder.join("src/forms.rs"));
    let wanted = ["in-a-trait", "borrows", "forever", "around-it", "one-line"];
    assert_eq!(awaiting(&after), wanted, "{said}");
    for name in ["method-span", "nested-span"] {
        let line = said.lines().find(|line| line.contains(name));
        let refused = "the compiler refused the edit: future cannot be sent between threads safely";
        assert!(line.is_some_and(|line| line.contains(refused)), "{said}");
    }
}

#[test]
fn a_lock_of_the_standard_library_says_nothing_of_other_types_in_the_file() {
    let sites = "\
use std::sync::Mutex;

use crate::others::Sent;

pub struct Both {
    lock: Mutex<u32>,
    sent: Sent,
}

impl Both {
    pub async fn field(&self) {
        let value = self.sent.lock();
        fail::fail_point!(\"field\");
        println!(\"{value}\");
    }

    pub async fn parameter(&self, sent: &Sent) {
        let value = sent.lock();
        fail::fail_point!(\"parameter\");
        println!(\"{value}\");
    }

    pub async fn lock(&self) {
        let value = self.lock.lock().unwrap();
        fail::fail_point!(\"lock\");
        println!(\"{value}\");
    }
}
";
    let folder = project("both", sites);
    let codes = common::each(&common::scan(&folder), "code");
    assert_eq!(codes, ["null", "null", "not-send"]);
    let said = common::migrated(&["rewrite", "--allow-dirty"], &folder);
    let after = common::read(&folder.join("src/sites.rs"));
    assert_eq!(awaiting(&after), ["field", "parameter"], "{said}");
}
