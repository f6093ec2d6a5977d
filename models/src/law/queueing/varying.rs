//! A rate that follows the hour: M_t/M/inf with a sine.
//!
//! # Formula
//! Nobody waits, so the number present is Poisson at every instant and its mean is a smoothed, delayed copy of the rate.
//!
//! # Range
//! Servers without number. It shows what a planner must not do: size for the mean of the day, or at the hour of the peak of arrivals.
//!
//! # Source
//! Eick, Massey and Whitt 1993 (fixture: models B3, row 15).
//!
//! # Error
//! Exact within its range.

use super::{QueueError, argument, finite, nonnegative, positive};

/// Poisson arrivals at rate mean (1 + swing sin(2 pi t / period)), served at once for an exponential time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SineRate {
    mean: f64,
    swing: f64,
    angular: f64,
    service_rate: f64,
}

impl SineRate {
    /// A source by its mean rate, its relative swing (0 to 1), its period, and the rate at which each customer is served.
    ///
    /// ```
    /// use models::law::queueing::SineRate;
    /// // 100 an hour, 80 % up and down by day, an hour each: the peak is 177 present, not 180, and an hour late.
    /// let day = SineRate::new(100.0, 0.8, 24.0, 1.0)?;
    /// assert!((day.peak_number() - 177.39).abs() < 0.01);
    /// # Ok::<(), models::law::queueing::QueueError>(())
    /// ```
    ///
    /// # Errors
    /// A negative mean, a swing outside 0 to 1, a period or service rate that is not above 0.
    pub fn new(mean: f64, swing: f64, period: f64, service_rate: f64) -> Result<Self, QueueError> {
        nonnegative("mean rate", mean)?;
        if !(0.0..=1.0).contains(&swing) {
            return Err(argument("swing", swing, "it must be from 0 to 1"));
        }
        let angular = finite(2.0 * std::f64::consts::PI / positive("period", period)?)?;
        finite(mean / positive("service rate", service_rate)?)?;
        finite(angular / service_rate)?;
        Ok(Self { mean, swing, angular, service_rate })
    }

    /// Arrivals a unit of time at `t`.
    #[must_use]
    pub fn rate_at(&self, t: f64) -> f64 {
        self.mean * (1.0 + self.swing * libm::sin(self.angular * t))
    }

    /// The mean number present at `t`, long after the start: (mean / mu) (1 + swing cos(a) sin(w t - a)), a = atan(w / mu).
    #[must_use]
    pub fn number_at(&self, t: f64) -> f64 {
        self.mean / self.service_rate * (1.0 + self.damped() * libm::sin(self.angular * (t - self.lag())))
    }

    /// The largest mean number present.
    #[must_use]
    pub fn peak_number(&self) -> f64 {
        self.mean / self.service_rate * (1.0 + self.damped())
    }

    /// How long after the peak of arrivals the number present peaks: atan(w / mu) / w, at most 1 / mu.
    #[must_use]
    pub fn lag(&self) -> f64 {
        libm::atan(self.angular / self.service_rate) / self.angular
    }

    /// The first instant after 0 at which the number present peaks: a quarter of the period, and the lag.
    #[must_use]
    pub fn peak_time(&self) -> f64 {
        std::f64::consts::FRAC_PI_2 / self.angular + self.lag()
    }

    /// The swing of the number: swing x cos(atan x) = swing / sqrt(1 + x^2), x = w / mu.
    fn damped(&self) -> f64 {
        let x = self.angular / self.service_rate;
        self.swing / (1.0 + x * x).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{close, prints};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_day_with_an_80_percent_swing_peaks_as_in_the_table() {
        // models B3 row 15: 100 (1 + 0.8 / sqrt(1 + (2 pi / 24)^2)), at 6 h + atan(2 pi / 24) / (2 pi / 24).
        let day = SineRate::new(100.0, 0.8, 24.0, 1.0).unwrap();
        prints(day.peak_number(), "177.3918");
        prints(day.peak_time(), "6.978");
        prints(day.lag(), "0.9780");
        assert!(close(day.peak_number(), 177.391_776_248_092_2, 1e-12) && close(day.peak_time(), 6.978_049_536_835_424, 1e-12));
        assert!(close(day.number_at(day.peak_time()), day.peak_number(), 1e-12));
    }

    #[test]
    fn a_rate_below_zero_and_a_day_without_length_are_refused() {
        for (mean, swing, period, mu) in [
            (-1.0, 0.5, 24.0, 1.0),
            (1.0, 1.5, 24.0, 1.0),
            (1.0, f64::NAN, 24.0, 1.0),
            (1.0, 0.5, 0.0, 1.0),
            (1.0, 0.5, 24.0, 0.0),
            (1.0, 0.5, 1e-320, 1.0),
        ] {
            assert!(matches!(SineRate::new(mean, swing, period, mu), Err(QueueError::Argument(_))));
        }
    }

    proptest! {
        #[test]
        fn the_number_changes_by_arrivals_less_departures(
            mean in 0.1f64..500.0, swing in 0.0f64..=1.0, period in 1.0f64..100.0, mu in 0.05f64..5.0, at in 0.0f64..1.0,
        ) {
            // m' = rate - mu m, by a central difference of step h: its error is h^2 / 6 of the third derivative.
            let day = SineRate::new(mean, swing, period, mu).unwrap();
            let (t, h) = (at * period, period * 1e-4);
            let slope = (day.number_at(t + h) - day.number_at(t - h)) / (2.0 * h);
            let flow = day.rate_at(t) - mu * day.number_at(t);
            prop_assert!((slope - flow).abs() <= 1e-5 * (mean + mean / mu / period), "{slope} {flow}");
        }

        #[test]
        fn it_never_exceeds_its_peak_and_lags_by_less_than_one_service(
            swing in 0.0f64..=1.0, period in 0.1f64..1000.0, mu in 0.01f64..10.0, t in 0.0f64..1000.0,
        ) {
            let day = SineRate::new(100.0, swing, period, mu).unwrap();
            prop_assert!(day.number_at(t) <= day.peak_number() * (1.0 + 1e-12));
            prop_assert!(day.number_at(t) >= 0.0);
            prop_assert!(day.lag() < 1.0 / mu && day.lag() < period / 4.0 + 1e-12);
        }
    }
}
