//! Lanes take turns on one thread: futures polled one after the other, with no waker, and a little sleep between rounds.
//!
//! What they wait for is polled anyway (a libvirt call in another thread, a clock), so that a reactor would add nothing; and with a clock that
//! only moves in sleep, a run is the same each time.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::clock::Clock;

/// The shortest and the longest sleep between rounds: it doubles while nothing happens.
const SLEEPS_MS: (u64, u64) = (2, 100);

/// Sleeps that grow while nothing happens.
pub(crate) struct Rest {
    next_ms: u64,
}

impl Rest {
    pub(crate) const fn new() -> Self {
        Self { next_ms: SLEEPS_MS.0 }
    }

    /// Something happened: the next sleep is short.
    pub(crate) const fn wake(&mut self) {
        self.next_ms = SLEEPS_MS.0;
    }

    pub(crate) fn sleep(&mut self, clock: &dyn Clock) {
        clock.sleep(Duration::from_millis(self.next_ms));
        self.next_ms = (self.next_ms * 2).min(SLEEPS_MS.1);
    }
}

/// Runs one future to its end.
pub(crate) fn run<T>(clock: &dyn Clock, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut rest = Rest::new();
    loop {
        if let Poll::Ready(end) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return end;
        }
        rest.sleep(clock);
    }
}

/// Waits so long.
pub(crate) async fn pause(clock: &dyn Clock, ms: u64) {
    let until = clock.monotonic_ns() + ms * 1_000_000;
    poll_fn(|_| if clock.monotonic_ns() >= until { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// Runs all futures side by side; their ends in order.
pub(crate) async fn all<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut ends: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    poll_fn(move |cx| {
        for (future, end) in futures.iter_mut().zip(&mut ends) {
            if end.is_none()
                && let Poll::Ready(e) = future.as_mut().poll(cx)
            {
                *end = Some(e);
            }
        }
        if ends.iter().all(Option::is_some) { Poll::Ready(ends.iter_mut().filter_map(Option::take).collect()) } else { Poll::Pending }
    })
    .await
}
