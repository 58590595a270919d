//! The machine's clock. On Linux a timer on the wall clock itself, which survives suspend and tells
//! when the clock is set; elsewhere a sleep that looks again every minute.

use super::{BoxFuture, Clock};
use deputy_protocol::Time;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// Where no timer follows the wall clock, the longest sleep before looking at it again.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

impl Clock for SystemClock {
    fn now(&self) -> Time {
        // Before 1970 is a machine whose clock was lost; it counts as the beginning.
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Time(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn until(&self, at: Time, seen: Time) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            #[cfg(target_os = "linux")]
            if wall_clock_timer(at, || self.now() < seen).await.is_ok() {
                return;
            }
            if self.now() < seen {
                return;
            }
            let left = u64::try_from(at.since(self.now())).unwrap_or(0);
            tokio::time::sleep(Duration::from_millis(left).min(LOOK_AGAIN)).await;
        })
    }
}

#[cfg(target_os = "linux")]
async fn wall_clock_timer(at: Time, was_set: impl Fn() -> bool) -> std::io::Result<()> {
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    let timer = timerfd_create(
        TimerfdClockId::Realtime,
        TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
    )?;
    let zero = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // A zero time would disarm the timer; what is long past is due at once all the same.
    let value = Timespec {
        tv_sec: at.0.max(1).div_euclid(1_000),
        tv_nsec: at.0.max(1).rem_euclid(1_000) * 1_000_000,
    };
    timerfd_settime(
        &timer,
        TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET,
        &Itimerspec {
            it_interval: zero,
            it_value: value,
        },
    )?;
    // From here on the timer sees every set; one from before it was armed is seen only by looking.
    if was_set() {
        return Ok(());
    }
    // Readable when it is due, and also when the clock was set: the caller looks again.
    // SAFETY: the descriptor is owned by the `AsyncFd` and lives as long as it does.
    #[allow(unsafe_code)]
    let ready = unsafe {
        tokio::io::unix::AsyncFd::register_with_interest(timer, tokio::io::Interest::READABLE)
    }?;
    let _guard = ready.readable().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_waits_until_the_time_and_not_shorter() {
        let clock = SystemClock;
        let at = clock.now().plus_ms(30);
        clock.until(at, clock.now()).await;
        assert!(clock.now() >= at);
        clock.until(Time(0), clock.now()).await;
    }

    #[tokio::test]
    async fn a_clock_set_back_before_the_waiting_began_is_seen() {
        let clock = SystemClock;
        let (hour, seen) = (clock.now().plus_ms(3_600_000), clock.now().plus_ms(60_000));
        clock.until(hour, seen).await;
    }
}
