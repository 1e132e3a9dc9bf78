//! A timer that is as exact as the kernel's: tokio's own rounds up to the next millisecond.

use std::time::Instant;

use crate::clock::now;

/// Waits for instants, to some ten microseconds on Linux, and to a millisecond elsewhere.
pub(super) struct ExactTimer {
    #[cfg(target_os = "linux")]
    kernel: Option<linux::KernelTimer>,
}

impl ExactTimer {
    /// A timer of this thread's runtime. Where the kernel gives none, tokio's is used.
    pub(super) fn new() -> Self {
        Self {
            #[cfg(target_os = "linux")]
            kernel: linux::KernelTimer::new().ok(),
        }
    }

    /// Waits until an instant; returns at once if it is past.
    pub(super) async fn wait_until(&self, at: Instant) {
        if at <= now() {
            return;
        }
        #[cfg(target_os = "linux")]
        if let Some(kernel) = &self.kernel
            && kernel.wait_until(at).await.is_ok()
        {
            return;
        }
        tokio::time::sleep_until(at.into()).await;
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        io,
        os::fd::OwnedFd,
        time::{Duration, Instant},
    };

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::{Interest, unix::AsyncFd};

    use crate::clock::now;

    /// A `timerfd` on the monotonic clock, which is that of `Instant` here.
    pub(super) struct KernelTimer(AsyncFd<OwnedFd>);

    impl KernelTimer {
        pub(super) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            #[expect(
                deprecated,
                reason = "sound here, since an owned descriptor stays the same; its successor is unsafe"
            )]
            Ok(Self(AsyncFd::with_interest(timer, Interest::READABLE)?))
        }

        pub(super) async fn wait_until(&self, at: Instant) -> io::Result<()> {
            loop {
                let left = at.saturating_duration_since(now());
                if left.is_zero() {
                    return Ok(());
                }
                self.set(left)?;
                let mut ready = self.0.readable().await?;
                let mut expirations = [0; 8];
                // An expiration of an earlier time may be read here, so that the loop looks at the clock again.
                let read = ready.try_io(|timer| {
                    rustix::io::read(timer, &mut expirations).map_err(io::Error::from)
                });
                if let Ok(read) = read {
                    read?;
                }
            }
        }

        fn set(&self, left: Duration) -> io::Result<()> {
            let value = Timespec::try_from(left).map_err(io::Error::other)?;
            let once = Itimerspec {
                it_interval: Timespec {
                    tv_sec: 0,
                    tv_nsec: 0,
                },
                it_value: value,
            };
            timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once)?;
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_never_returns_too_early() {
        let timer = ExactTimer::new();
        for us in [0, 1, 50, 900, 1_500, 3_000] {
            let at = now() + Duration::from_micros(us);
            timer.wait_until(at).await;
            assert!(now() >= at, "{us}");
        }
        let past = now();
        timer.wait_until(past).await;
    }

    #[tokio::test]
    async fn a_wait_that_is_given_up_leaves_the_next_one_whole() {
        let timer = ExactTimer::new();
        let far = now() + Duration::from_hours(1);
        let soon = now() + Duration::from_millis(2);
        tokio::select! {
            () = timer.wait_until(far) => panic!("an hour was not waited for"),
            () = tokio::time::sleep_until(soon.into()) => {}
        }
        let next = now() + Duration::from_millis(2);
        timer.wait_until(next).await;
        assert!(now() >= next);
    }
}
