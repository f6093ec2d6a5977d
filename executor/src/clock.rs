//! Time of day, waiting, and whether the operator wants a stop: the one place where the executor meets them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// A clock.
pub trait Clock {
    /// Nanoseconds since 1970.
    fn now_unix_ns(&self) -> u64;
    /// Nanoseconds since some moment; never goes back.
    fn monotonic_ns(&self) -> u64;
    /// Waits.
    fn sleep(&self, how_long: Duration);
    /// Whether the operator has asked to stop: no step begins any more, and what is under way is finished.
    fn stop_is_asked(&self) -> bool;
}

/// The clock of the system. It asks for a stop when the operator does.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
    stop: Arc<AtomicBool>,
}

impl SystemClock {
    /// A clock that nobody asks to stop: signals do what they usually do.
    #[must_use]
    pub fn new() -> Self {
        Self { start: Instant::now(), stop: Arc::default() }
    }

    /// A clock that takes the first SIGINT (control-C) or SIGTERM for the wish to stop. The second ends the process at once, as the first
    /// would have without this: what was under way is then looked for when the run is resumed.
    ///
    /// # Errors
    /// The system does not let signals be caught.
    pub fn stopped_by_signals() -> std::io::Result<Self> {
        let clock = Self::new();
        for signal in [SIGINT, SIGTERM] {
            // In this order: at the first signal, nothing is set yet where it is asked whether it is the second.
            flag::register_conditional_default(signal, Arc::clone(&clock.stop))?;
            flag::register(signal, Arc::clone(&clock.stop))?;
        }
        Ok(clock)
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    /// 0 before 1970, and the most there is after 2554.
    fn now_unix_ns(&self) -> u64 {
        #[allow(clippy::disallowed_methods, reason = "a journal says when things happened; no plan is made here")]
        let now = SystemTime::now();
        now.duration_since(UNIX_EPOCH).map_or(0, |d| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX))
    }

    fn monotonic_ns(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn sleep(&self, how_long: Duration) {
        std::thread::sleep(how_long);
    }

    fn stop_is_asked(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}
