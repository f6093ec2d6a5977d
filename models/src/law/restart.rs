//! How long the guests of a lost host are away: noticed, fenced, and started again on the others, so many at a time.
//!
//! # Formula
//! T = T_detect + T_fence + ceil(k / c) T_boot(c) for k guests, c at a time. T_boot(c) = max(t_cpu s(c), c V / B): the
//! processor's time, which c boots on m cores share by s(c), and the V bytes that each reads from storage that gives B to all
//! together. s(c) = max(1, c / m) where cores are shared in any part, ceil(c / m) where a boot keeps its core.
//! By hand: T = T_detect + T_fence + k x the time of one.
//! The course is the same guest by guest; its last wave counts as many as there are, so that it ends at T or before.
//! A boot that reads first and computes then takes between max(ceil(k/c) (V/B + t), k V/B + t, V/B + k t/m) and
//! ceil(k/c) (c V/B + t s(c)), whatever the order in which its parts meet.
//!
//! # Range
//! Guests alike, survivors otherwise idle and their cores in one pool (a wave that does not divide evenly takes up to one boot's CPU
//! longer), storage that serves c readers as fast as one. Left out: guests that find no room,
//! services that take longer to come up than their machine, and storms of clients that come back at the same time.
//!
//! # Source
//! models A4: k = 15, t = 60 s, V = 250 MB, B = 100 MB/s, 60 s until the first boot: 960, 300 and 120 s for c = 1, 4 and 15.
//! S3-5: by hand about three hours for the guests of one host.
//!
//! # Error
//! Never measured here. The engine, whose boots read and then compute, stays within the two bounds.

use super::availability::{nanos, refuse};
use crate::quantity::{BytesPerSecond, Nanos, QuantityError};

/// How boots that are more than the cores share them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Sharing {
    /// In any part, as a fluid: c on m cores take c / m times as long.
    Fluid,
    /// Whole: each boot keeps a core until it is done, and the others wait.
    Whole,
}

/// A restart by itself.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Restart {
    /// Until the failure is noticed.
    pub detect: Nanos,
    /// Until the failed host can no longer write: no guest may run twice.
    pub fence: Nanos,
    /// Guests to start, k: at most [`MOST_GUESTS`].
    pub guests: u32,
    /// How many start at a time on all survivors together, c: 1 or more.
    pub at_once: u32,
    /// The processor's time of a guest's boot, on a core.
    pub boot_cpu: Nanos,
    /// Cores of all survivors together, m: 1 or more.
    pub cores: u32,
    /// How boots share them.
    pub sharing: Sharing,
    /// What a guest reads from storage to boot, in bytes.
    pub boot_bytes: u64,
    /// The rate at which storage reads for all of them together.
    pub storage: BytesPerSecond,
}

/// A restart by one pair of hands.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct ByHand {
    /// Until the failure is noticed.
    pub detect: Nanos,
    /// Until the failed host is surely off.
    pub fence: Nanos,
    /// Guests to start: at most [`MOST_GUESTS`].
    pub guests: u32,
    /// What each takes, its boot included.
    pub each: Nanos,
}

/// The most guests of a restart.
pub const MOST_GUESTS: u32 = 1_000_000;

/// What a boot that reads first and computes then cannot fall below, and what it does not exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// No order of reading and computing is faster.
    pub at_least: Nanos,
    /// None is slower.
    pub at_most: Nanos,
}

impl Restart {
    fn check(&self) -> Result<(), QuantityError> {
        if self.at_once == 0 {
            return refuse("number of guests started at a time", 0, "guests", "it must be at least 1");
        }
        if self.cores == 0 {
            return refuse("number of cores", 0, "cores", "a boot needs at least 1");
        }
        if self.guests > MOST_GUESTS {
            return refuse("number of guests to start", self.guests, "guests", "it must be at most 1,000,000");
        }
        if self.boot_bytes > 0 && self.storage == BytesPerSecond::ZERO {
            return refuse("rate of storage", 0, "B/s", "it must be above 0 where a boot reads");
        }
        Ok(())
    }

    /// How much longer so many boots at a time compute than one.
    fn share(&self, together: u32) -> f64 {
        match self.sharing {
            Sharing::Fluid => (f64::from(together) / f64::from(self.cores)).max(1.0),
            Sharing::Whole => f64::from(together.div_ceil(self.cores)).max(1.0),
        }
    }

    /// Nanoseconds that storage takes to read for so many boots.
    fn read_ns(&self, boots: u32) -> f64 {
        if self.boot_bytes == 0 {
            return 0.0;
        }
        let bytes = u128::from(boots) * u128::from(self.boot_bytes);
        bytes as f64 * 1e9 / self.storage.get()
    }

    fn compute_ns(&self, together: u32) -> f64 {
        self.boot_cpu.0 as f64 * self.share(together)
    }

    fn boot_of(&self, together: u32) -> Result<Nanos, QuantityError> {
        nanos("boot", self.compute_ns(together).max(self.read_ns(together)))
    }

    /// The boot of `at_once` guests that start together: max(boot_cpu s(c), c x boot_bytes / storage).
    ///
    /// # Errors
    /// Nothing at once, no core, bytes to read at a rate of zero, too many guests, or a time beyond 584 years.
    pub fn boot(&self) -> Result<Nanos, QuantityError> {
        self.check()?;
        self.boot_of(self.at_once)
    }

    /// Until the last guest is up. The last wave counts as a full one: an upper bound where c does not divide k.
    ///
    /// ```
    /// use models::law::restart::{Restart, Sharing};
    /// use models::quantity::{BytesPerSecond, Nanos};
    /// // 15 guests, four at a time, on eight cores: 60 s to be sure, then 4 waves of 60 s.
    /// let restart = Restart {
    ///     detect: Nanos::seconds(30), fence: Nanos::seconds(30), guests: 15, at_once: 4, boot_cpu: Nanos::seconds(60), cores: 8,
    ///     sharing: Sharing::Fluid, boot_bytes: 250_000_000, storage: BytesPerSecond::new(100e6)?,
    /// };
    /// assert_eq!(restart.total()?, Nanos::seconds(300));
    /// # Ok::<(), models::quantity::QuantityError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Restart::boot`].
    pub fn total(&self) -> Result<Nanos, QuantityError> {
        let waves = u128::from(self.guests.div_ceil(self.at_once.max(1)));
        sum("restart", u128::from(self.detect.0) + u128::from(self.fence.0) + waves * u128::from(self.boot()?.0))
    }

    /// When each guest is back, the first first.
    ///
    /// # Errors
    /// As [`Restart::boot`].
    pub fn course(&self) -> Result<Vec<Nanos>, QuantityError> {
        let full = self.boot()?;
        let (mut at, mut left) = (u128::from(self.detect.0) + u128::from(self.fence.0), self.guests);
        let mut back = Vec::with_capacity(self.guests as usize);
        while left > 0 {
            let wave = left.min(self.at_once);
            at += u128::from(if wave < self.at_once { self.boot_of(wave)? } else { full }.0);
            back.resize(back.len() + wave as usize, sum("restart", at)?);
            left -= wave;
        }
        Ok(back)
    }

    /// Bounds for boots that read first and compute then, by which a wave's parts may overlap or not; cores shared as a fluid.
    ///
    /// # Errors
    /// As [`Restart::boot`].
    pub fn read_then_compute(&self) -> Result<Window, QuantityError> {
        self.check()?;
        let before = u128::from(self.detect.0) + u128::from(self.fence.0);
        if self.guests == 0 {
            let at = sum("restart", before)?;
            return Ok(Window { at_least: at, at_most: at });
        }
        let (read, compute) = (self.read_ns(1), self.boot_cpu.0 as f64);
        let (k, m) = (f64::from(self.guests), f64::from(self.cores));
        let waves = f64::from(self.guests.div_ceil(self.at_once));
        let least = (waves * (read + compute)).max(k * read + compute).max(read + k * compute / m);
        let c = self.at_once.min(self.guests);
        let most = waves * (self.read_ns(c) + compute * (f64::from(c) / m).max(1.0));
        // Down to a whole nanosecond below, up to one above.
        let at_least = sum("restart", before + u128::from(nanos("restart", least)?.0.saturating_sub(1)))?;
        Ok(Window { at_least, at_most: sum("restart", before + u128::from(nanos("restart", most)?.0))? })
    }

    /// The most boots at a time that neither the cores nor the storage slow down: up to here more at a time is never slower.
    ///
    /// # Errors
    /// As [`Restart::boot`].
    pub fn unhindered(&self) -> Result<u32, QuantityError> {
        self.check()?;
        let by_storage = if self.boot_bytes == 0 { f64::INFINITY } else { (self.boot_cpu.0 as f64 / self.read_ns(1)).floor() };
        Ok(by_storage.min(f64::from(self.cores)).clamp(1.0, f64::from(MOST_GUESTS)) as u32)
    }

    /// The fewest boots at a time with which the last guest is up soonest, by [`Restart::course`].
    ///
    /// # Errors
    /// As [`Restart::boot`].
    pub fn best_at_once(&self) -> Result<u32, QuantityError> {
        self.check()?;
        let mut best = (u128::MAX, 1);
        for c in 1..=self.guests.max(1) {
            let (full, rest) = (u128::from(self.guests / c), self.guests % c);
            let tail = if rest > 0 { u128::from(self.boot_of(rest)?.0) } else { 0 };
            let ns = full * u128::from(self.boot_of(c)?.0) + tail;
            if ns < best.0 {
                best = (ns, c);
            }
        }
        Ok(best.1)
    }
}

impl ByHand {
    /// Until the last guest is up.
    ///
    /// # Errors
    /// Too many guests, or a time beyond 584 years.
    pub fn total(&self) -> Result<Nanos, QuantityError> {
        self.after(self.guests)
    }

    /// When each guest is back, the first first.
    ///
    /// # Errors
    /// As [`ByHand::total`].
    pub fn course(&self) -> Result<Vec<Nanos>, QuantityError> {
        self.total()?;
        (1..=self.guests).map(|k| self.after(k)).collect()
    }

    fn after(&self, guests: u32) -> Result<Nanos, QuantityError> {
        if guests > MOST_GUESTS {
            return refuse("number of guests to start", guests, "guests", "it must be at most 1,000,000");
        }
        sum("restart", u128::from(self.detect.0) + u128::from(self.fence.0) + u128::from(guests) * u128::from(self.each.0))
    }
}

fn sum(what: &'static str, ns: u128) -> Result<Nanos, QuantityError> {
    u64::try_from(ns).map(Nanos).or_else(|_| refuse(what, ns, "ns", "it must be below 584 years"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn example() -> Restart {
        // models A4: 15 guests, 60 s, 250 MB each from 100 MB/s, detection and fence 60 s together. Cores enough for all.
        Restart {
            detect: Nanos::seconds(20),
            fence: Nanos::seconds(40),
            guests: 15,
            at_once: 1,
            boot_cpu: Nanos::seconds(60),
            cores: 64,
            sharing: Sharing::Fluid,
            boot_bytes: 250_000_000,
            storage: BytesPerSecond::new(100e6).unwrap(),
        }
    }

    #[test]
    fn fifteen_guests_start_in_960_300_or_120_seconds() {
        // 1 at a time: 60 + 15 x 60; 4: 60 + 4 x 60; 15: 60 + max(60, 37.5).
        for (at_once, seconds) in [(1, 960), (4, 300), (15, 120)] {
            for sharing in [Sharing::Fluid, Sharing::Whole] {
                assert_eq!(Restart { at_once, sharing, ..example() }.total(), Ok(Nanos::seconds(seconds)));
            }
        }
        // 40 at a time would read 10 GB: 100 s, more than the 60 of the processor.
        assert_eq!(Restart { at_once: 40, ..example() }.total(), Ok(Nanos::seconds(160)));
        assert_eq!(Restart { guests: 0, ..example() }.total(), Ok(Nanos::seconds(60)));
    }

    #[test]
    fn ten_guests_by_hand_take_three_hours_at_18_minutes_each() {
        // S3-5, models A4: 3 h for about ten guests. Given, not predicted: 3 h / 10 = 18 min.
        let hands = ByHand { detect: Nanos::ZERO, fence: Nanos::ZERO, guests: 10, each: Nanos::seconds(18 * 60) };
        assert_eq!(hands.total(), Ok(Nanos::seconds(3 * 3600)));
        assert_eq!(hands.course().unwrap()[..2], [Nanos::seconds(1080), Nanos::seconds(2160)]);
        assert!(ByHand { each: Nanos(u64::MAX), ..hands }.total().is_err());
        assert!(ByHand { guests: MOST_GUESTS + 1, ..hands }.total().is_err());
    }

    #[test]
    fn guests_come_back_wave_by_wave() {
        // 7 guests, 4 at a time on 2 cores, 10 s each: 4 share 2 cores for 20 s; the last 3 for 15 s, or two rounds of 10.
        let it = Restart { guests: 7, at_once: 4, cores: 2, boot_cpu: Nanos::seconds(10), boot_bytes: 0, ..example() };
        let at = |seconds: [u64; 7]| seconds.map(Nanos::seconds).to_vec();
        assert_eq!(it.course(), Ok(at([80, 80, 80, 80, 95, 95, 95])));
        assert_eq!(Restart { sharing: Sharing::Whole, ..it }.course(), Ok(at([80, 80, 80, 80, 100, 100, 100])));
    }

    #[test]
    fn storage_binds_from_the_25th_boot_at_a_time_and_cores_from_the_ninth() {
        // 60 s x 100 MB/s / 250 MB = 24.
        assert_eq!(example().unhindered(), Ok(24));
        assert_eq!(Restart { cores: 8, ..example() }.unhindered(), Ok(8));
        // A slow disk is the limit for one already.
        assert_eq!(Restart { storage: BytesPerSecond::new(1e6).unwrap(), ..example() }.unhindered(), Ok(1));
        let at = |at_once| Restart { at_once, guests: 48, ..example() }.total().unwrap();
        // 48 guests: 24 at a time take two full waves of 60 s, 25 at a time two of 62.5.
        assert_eq!((at(24), at(25)), (Nanos::seconds(180), Nanos::seconds(185)));
    }

    #[test]
    fn the_best_number_at_a_time_is_no_more_than_it_needs() {
        // 15 at a time: one wave of 60 s. With 8 cores: 8 and 7, two waves; 15 would share for 112.5 s.
        assert_eq!(example().best_at_once(), Ok(15));
        let eight = Restart { cores: 8, ..example() };
        assert_eq!(eight.best_at_once(), Ok(15));
        assert_eq!(Restart { sharing: Sharing::Whole, ..eight }.best_at_once(), Ok(8));
        // Where reading is all, nothing is gained by more than one.
        let slow = Restart { storage: BytesPerSecond::new(1e6).unwrap(), ..example() };
        assert_eq!(slow.best_at_once(), Ok(1));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(Restart { at_once: 0, ..example() }.total().is_err());
        assert!(Restart { cores: 0, ..example() }.course().is_err());
        assert!(Restart { guests: MOST_GUESTS + 1, ..example() }.best_at_once().is_err());
        assert!(Restart { storage: BytesPerSecond::ZERO, ..example() }.total().is_err());
        assert!(Restart { boot_cpu: Nanos(u64::MAX), ..example() }.total().is_err());
        assert!(Restart { boot_cpu: Nanos(u64::MAX / 2), ..example() }.read_then_compute().is_err());
        // A boot that reads nothing needs no storage.
        assert_eq!(Restart { storage: BytesPerSecond::ZERO, boot_bytes: 0, ..example() }.boot(), Ok(Nanos::seconds(60)));
        assert_eq!(Restart { guests: 0, ..example() }.course(), Ok(Vec::new()));
    }

    prop_compose! {
        fn any()(guests in 0u32..60, at_once in 1u32..40, cpu_ms in 0u64..90_000, cores in 1u32..20, whole: bool, mb in 0u64..600, rate in 1e6f64..1e9) -> Restart {
            Restart {
                guests, at_once, boot_cpu: Nanos::millis(cpu_ms), cores, boot_bytes: mb * 1_000_000,
                sharing: if whole { Sharing::Whole } else { Sharing::Fluid },
                storage: BytesPerSecond::new(rate).unwrap(), ..example()
            }
        }
    }

    proptest! {
        #[test]
        fn more_at_a_time_is_never_slower_until_cores_or_storage_bind(it in any()) {
            let free = it.unhindered().unwrap();
            let at = |at_once| Restart { at_once, ..it }.total().unwrap();
            for c in 1..free.min(60) {
                prop_assert!(at(c + 1) <= at(c), "{c}");
            }
            // And no number is faster than all at a time without a limit, nor than what the parts can give.
            prop_assert!(it.guests == 0 || it.total().unwrap() >= Nanos::seconds(60) + it.boot_cpu);
        }

        #[test]
        fn faster_storage_more_cores_and_fewer_guests_are_never_slower(it in any(), faster in 1.0f64..10.0, more in 0u32..10) {
            let total = |it: Restart| it.total().unwrap();
            let storage = BytesPerSecond::new(it.storage.get() * faster).unwrap();
            let (with_storage, with_cores) = (Restart { storage, ..it }, Restart { cores: it.cores + more, ..it });
            prop_assert!(total(with_storage) <= total(it) && total(with_cores) <= total(it));
            let with_guests = Restart { guests: it.guests + more, ..it };
            prop_assert!(total(with_guests) >= total(it));
            let (fluid, whole) = (Restart { sharing: Sharing::Fluid, ..it }, Restart { sharing: Sharing::Whole, ..it });
            prop_assert!(total(fluid) <= total(whole));
        }

        #[test]
        fn the_course_ends_at_the_total_or_before_with_every_guest_in_it(it in any()) {
            let course = it.course().unwrap();
            prop_assert_eq!(course.len(), it.guests as usize);
            prop_assert!(course.is_sorted());
            let last = course.last().copied().unwrap_or(Nanos::seconds(60));
            prop_assert!(last <= it.total().unwrap());
            if it.guests % it.at_once == 0 {
                prop_assert_eq!(last, it.total().unwrap());
            }
            let window = it.read_then_compute().unwrap();
            prop_assert!(window.at_least <= window.at_most);
            // What overlaps is never slower than what does not.
            prop_assert!(it.sharing == Sharing::Whole || last <= window.at_most + Nanos(u64::from(it.guests)));
        }

        #[test]
        fn the_best_is_that_of_trying_all(it in any()) {
            let last = |at_once| Restart { at_once, ..it }.course().unwrap().last().copied();
            let best = it.best_at_once().unwrap();
            for c in 1..=it.guests {
                prop_assert!(last(best) < last(c) || last(best) == last(c) && best <= c, "{c}");
            }
        }
    }
}
