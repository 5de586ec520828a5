//! Other values that are not Send.
//~ `rc`, an `Rc`, is held across it
//~ `scenario`, a `FailScenario`, is held across it
//~ `cell`, a borrow of a `RefCell`, is held across it
//~ `error`, a `Box<dyn ..>` without `Send`, is held across it
//~ `e`, a `Box<dyn ..>` without `Send`, is held across it
//~ `rng`, a thread's random generator, is held across it
//~ `pointer`, a raw pointer, is held across it
//~ `rc`, an `Rc`, is held across it
//~ `out`, the lock of a standard stream, is held across it
//~ `kept`, the guard of a lock, is held across it
//~ `holder`, an `Rc`, is held across it
//~ `made`, an `Rc`, is held across it
//~ `pair`, an `Rc`, is held across it
//~ `result`, a `Box<dyn ..>` without `Send`, is held across it

use std::error::Error;
use std::rc::Rc;

pub async fn rc() {
    let rc = Rc::new(1);
    fail::fail_point!("rc");
    use_it(rc);
}
#[tokio::test]
async fn scenario() {
    let scenario = fail::FailScenario::setup();
    fail::fail_point!("scenario");
    scenario.teardown();
}
pub async fn cell(shared: &std::cell::RefCell<u32>) {
    let cell = shared.borrow_mut();
    fail::fail_point!("cell");
    use_it(cell);
}
pub async fn boxed(text: &str) {
    let error: Box<dyn Error> = text.into();
    fail::fail_point!("boxed");
    use_it(error);
}
pub async fn helper() {
    if let Err(e) = fails() {
        fail::fail_point!("helper");
        use_it(e);
    }
}
fn fails() -> Result<u32, Box<dyn Error + 'static>> { Ok(1) }
pub async fn random() {
    let mut rng = rand::thread_rng();
    fail::fail_point!("random");
}
pub async fn pointer(bytes: &[u8]) {
    let pointer = bytes.as_ptr();
    fail::fail_point!("pointer");
    use_it(pointer);
}
pub async fn parameter(rc: Rc<u32>) {
    fail::fail_point!("parameter");
}
pub async fn stream() {
    let out: std::io::StdoutLock<'_> = std::io::stdout().lock();
    fail::fail_point!("stream");
}
pub async fn kept_by_a_reference(shared: &std::sync::Mutex<Vec<u32>>) {
    let kept = &shared.lock().unwrap()[0];
    fail::fail_point!("kept");
    use_it(kept);
}
struct Holder { inner: Option<Rc<u32>> }
impl Holder { fn new() -> Self { Holder { inner: None } } }
pub async fn of_the_file() {
    {
        let holder = Holder { inner: None };
        fail::fail_point!("holder");
        use_it(holder);
    }
    let made = Holder::new();
    fail::fail_point!("made");
    use_it(made);
}
struct Pair(Rc<u32>, u32);
pub async fn tuple(rc: u32) {
    let pair = Pair(make(), 1);
    fail::fail_point!("pair");
    use_it(pair);
}
type Answer<T> = Result<T, Box<dyn Error>>;
pub async fn by_alias() {
    let result: Answer<u32> = Ok(1);
    fail::fail_point!("alias");
    use_it(result);
}
