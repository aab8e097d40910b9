//! The bridges that are there, to be shown where a run hangs. In builds with debug assertions.

use std::fmt::{Debug, Write};

use super::Bridge;
use crate::sync::{Arc, Mutex, Weak, lock};

static BRIDGES: Mutex<Vec<Weak<dyn Debug + Send + Sync>>> = Mutex::new(Vec::new());

/// Has a bridge shown for as long as it is there. One whose items borrow cannot be: whoever shows it may be
/// the last to have it, after what they borrow is gone.
pub(crate) fn register<T: Send + 'static, O: Send + 'static>(bridge: &Arc<Bridge<T, O>>) {
    let bridge: Arc<dyn Debug + Send + Sync> = Arc::clone(bridge) as _;
    let mut bridges = lock(&BRIDGES);
    bridges.retain(|bridge| bridge.strong_count() > 0);
    bridges.push(Arc::downgrade(&bridge));
}

/// All that are there, as text.
pub(crate) fn show() -> String {
    // Not under the lock: items may be dropped here.
    let bridges: Vec<_> = lock(&BRIDGES).iter().filter_map(Weak::upgrade).collect();
    bridges.iter().fold(String::new(), |mut text, bridge| {
        // To write to a string does not fail.
        let _ = writeln!(text, "{bridge:#?}");
        text
    })
}
