//! Dropping what was replaced where no request waits for it: to let a mapped
//! gigabyte go takes milliseconds.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

/// How soon, and how seldom at most, it is looked whether others still use it.
const FIRST_LOOK: Duration = Duration::from_millis(10);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Keeps `old` until nobody else does, then drops it on the pool for blocking
/// work. Nobody may make a weak reference strong meanwhile.
///
/// Outside of a runtime it is dropped at once: there are no requests either.
pub(crate) fn reap<T: Send + Sync + 'static>(old: Arc<T>) {
    let Ok(runtime) = Handle::try_current() else {
        return;
    };
    runtime.spawn(async move {
        let mut wait = FIRST_LOOK;
        while Arc::strong_count(&old) > 1 {
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        tokio::task::spawn_blocking(move || drop(old));
    });
}
