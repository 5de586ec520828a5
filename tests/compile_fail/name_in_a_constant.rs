// builds: testing, plain
// says: from outer item
// What names a call site is an item's, so it can name no generic parameter; and no variable.
use neon_failpoint::*;

const OTHER: &str = "y";

trait Named {
    const NAME: &'static str;
}

struct Save;

impl Save {
    const NAME: &'static str = "x";

    fn save(&self) {
        fail_point_sync!(const { Self::NAME }); // fails
        // twin: fail_point_sync!(const { Save::NAME });
        compat::fail_point!(const { Save::NAME });
    }
}

impl Named for Save {
    const NAME: &'static str = "z";
}

async fn any<T: Named>(_: T) {
    fail_point!(const { T::NAME }); // fails
    // twin: fail_point!(T::NAME);
    fail_point!(const { OTHER });
}

fn main() {
    Save.save();
    drop(any(Save));
}
