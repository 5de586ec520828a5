// builds: testing, plain
// says: expected `&FailpointContext`, found `&HashMap
use neon_failpoint::*;
use std::collections::HashMap;

async fn task(map: &HashMap<String, String>, context: &FailpointContext) {
    let _ = (map, context);
    fail_point_with_context!("x", map); // fails
    // twin: fail_point_with_context!("x", context);
    fail_point_with_context!("x", map, |_| ()); // fails
    // twin: fail_point_with_context!("x", context, |_| ());
    fail_point_with_context_sync!("x", map); // fails
    // twin: fail_point_with_context_sync!("x", context);
    fail_point_with_context_sync!("x", map, true, |_| ()); // fails
    // twin: fail_point_with_context_sync!("x", context, true, |_| ());
    let _ = failpoint!("x", map).await; // fails
    // twin: let _ = failpoint!("x", context).await;
}

fn main() {
    let map = HashMap::new();
    drop(task(&map, &failpoint_context! {}));
}
