//! Waiting until what is watched has nothing more to do.

use std::time::{Duration, Instant};

use super::role::RoleReader;
use crate::types::Watch;

/// Time over which it must have been idle.
const OVER: Duration = Duration::from_millis(500);
/// Share of a core below which it counts as idle. The kernel may count in steps of 10 ms, of which this allows two.
const IDLE_SHARE: f64 = 0.05;

/// Waits until it has been idle for half a second, at most `limit`; gives how long that took. If nothing of it can be seen, it is not waited for.
pub async fn rest(watch: &Watch, limit: Duration) -> Duration {
    let begun = Instant::now();
    let mut reader = RoleReader::new(watch.clone());
    let mut used = move || reader.read(false).map(|reading| reading.user_ns + reading.system_ns);
    while let Some(before) = used().filter(|_| begun.elapsed() < limit) {
        let since = Instant::now();
        tokio::time::sleep(OVER).await;
        let Some(after) = used() else { break };
        let share = Duration::from_nanos(after.saturating_sub(before)).as_secs_f64() / since.elapsed().as_secs_f64();
        if share < IDLE_SHARE {
            break;
        }
    }
    begun.elapsed()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::process::Command;

    use super::*;

    #[tokio::test]
    async fn the_idle_are_not_waited_for_and_the_busy_until_the_limit() {
        let limit = Duration::from_millis(1200);
        let mut idle = Command::new("sleep").arg("30").spawn().unwrap();
        let mut busy = Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        let of = |root| Watch::Processes { root };
        let waited = (rest(&of(idle.id()), limit).await, rest(&of(busy.id()), limit).await);
        for child in [&mut idle, &mut busy] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert!(waited.0 >= OVER && waited.0 < limit, "{waited:?}");
        assert!(waited.1 >= limit, "{waited:?}");
        assert!(rest(&Watch::Unseen, limit).await < OVER);
    }
}
