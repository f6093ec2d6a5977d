//! When enough replications have been made.
//!
//! To look at the interval after every batch and stop at the first that is narrow enough favours samples that happen to
//! spread little: with a target of 20 % and skewed figures, 95 % intervals cover 89 to 90 %. Two passing checks in a row and
//! a first look at 30 replications soften that, and do not remove it. One figure a rule: with several figures, go on until
//! each has had enough.

use super::replications::{Summary, interval};

/// A rule for stopping, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Stopping {
    /// Replications before the first check.
    pub first: u32,
    /// Replications between checks.
    pub step: u32,
    /// Replications at most.
    pub most: u32,
    /// Enough is an interval whose half width is at most this share of the mean (its absolute value).
    pub relative: f64,
    /// Confidence of the interval.
    pub confidence: f64,
    /// Values at the last check that counted.
    seen: usize,
    /// Whether it passed.
    passed: bool,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The interval was narrow enough on two checks in a row.
    Enough,
    /// Make this many more, then ask again.
    More(u32),
    /// All replications that may be made are made, and the rule does not hold. What there is has its interval.
    GaveUp,
}

impl Stopping {
    /// Stops at this relative half width or after `most` replications: 30 first, 10 between checks, 95 %.
    #[must_use]
    pub fn new(relative: f64, most: u32) -> Self {
        Self { first: 30, step: 10, most, relative, confidence: 0.95, seen: 0, passed: false }
    }

    /// Looks at all values so far, one a replication. A check without a new value since the last does not count.
    ///
    /// A mean of zero is never known to a share of itself unless all values are zero. Values without any spread pass: where
    /// they are counts of something rare, what they do not show is told by [`at_most`](super::at_most).
    ///
    /// ```
    /// use sim::statistics::{Decision, Stopping};
    ///
    /// let mut rule = Stopping::new(0.05, 1000);
    /// let mut values = Vec::new();
    /// while let Decision::More(n) = rule.next(&values) {
    ///     values.extend((0..n).map(|k| 100.0 + f64::from(k % 5)));
    /// }
    /// assert_eq!(values.len(), 40); // passes at 30 and at 40
    /// ```
    pub fn next(&mut self, values_so_far: &[f64]) -> Decision {
        let n = values_so_far.len();
        let first = self.first.clamp(2, self.most.max(2)) as usize;
        if n < first && n < self.most as usize {
            return self.more(n, (first - n) as u32);
        }
        if n > self.seen {
            let passes = self.passes(values_so_far);
            let twice = passes && self.passed;
            (self.seen, self.passed) = (n, passes);
            if twice {
                return Decision::Enough;
            }
        }
        if n >= self.most as usize { Decision::GaveUp } else { self.more(n, self.step.max(1)) }
    }

    fn more(&self, n: usize, wanted: u32) -> Decision {
        Decision::More(wanted.min(self.most - n as u32))
    }

    /// False too where a value is not a number.
    fn passes(&self, values: &[f64]) -> bool {
        !values.is_empty()
            && interval(values, self.confidence)
                .is_some_and(|(low, high)| (high - low) / 2.0 <= self.relative * Summary::of(values).mean.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values that alternate about 100: the half width at n is close to t d / sqrt(n).
    fn about_100(n: usize, d: f64) -> Vec<f64> {
        (0..n).map(|k| if k % 2 == 0 { 100.0 - d } else { 100.0 + d }).collect()
    }

    fn run(mut rule: Stopping, value: impl Fn(usize) -> f64) -> (Decision, usize) {
        let mut values: Vec<f64> = Vec::new();
        loop {
            match rule.next(&values) {
                Decision::More(n) => {
                    assert!(n > 0);
                    let from = values.len();
                    values.extend((from..from + n as usize).map(&value));
                }
                end => return (end, values.len()),
            }
        }
    }

    #[test]
    fn thirty_come_first_and_two_checks_must_pass() {
        let mut rule = Stopping::new(0.05, 1000);
        assert_eq!(rule.next(&[]), Decision::More(30));
        assert_eq!(rule.next(&about_100(12, 1.0)), Decision::More(18));
        assert_eq!(rule.next(&about_100(30, 1.0)), Decision::More(10));
        // The same values again are no second check.
        assert_eq!(rule.next(&about_100(30, 1.0)), Decision::More(10));
        assert_eq!(rule.next(&about_100(40, 1.0)), Decision::Enough);
    }

    #[test]
    fn it_stops_where_the_half_width_says() {
        // d = 30, target 5 %: t 30 sqrt(n / (n - 1)) / sqrt(n) <= 5, so (n - 1) >= 36 t^2. At n = 140, t = 1.9772: 140.7 > 139;
        // at 150, t = 1.9760: 140.6 <= 149. The second check is at 160.
        assert_eq!(run(Stopping::new(0.05, 1000), |k| if k % 2 == 0 { 70.0 } else { 130.0 }), (Decision::Enough, 160));
    }

    #[test]
    fn a_pass_followed_by_a_failure_starts_again() {
        let mut rule = Stopping::new(0.05, 1000);
        assert_eq!(rule.next(&about_100(30, 1.0)), Decision::More(10));
        let mut values = about_100(40, 1.0);
        values[39] = 1000.0;
        assert_eq!(rule.next(&values), Decision::More(10));
        assert_eq!(rule.next(&about_100(50, 1.0)), Decision::More(10));
        assert_eq!(rule.next(&about_100(60, 1.0)), Decision::Enough);
    }

    #[test]
    fn it_gives_up_at_the_most_and_never_asks_for_more() {
        assert_eq!(run(Stopping::new(0.001, 45), |k| (k % 7) as f64), (Decision::GaveUp, 45));
        assert_eq!(run(Stopping::new(0.05, 10), |_| 1.0), (Decision::GaveUp, 10));
        assert_eq!(run(Stopping::new(0.05, 0), |_| 1.0), (Decision::GaveUp, 0));
        assert_eq!(run(Stopping::new(0.05, 45), |_| f64::NAN), (Decision::GaveUp, 45));
        // A mean of zero.
        assert_eq!(run(Stopping::new(0.05, 60), |k| if k % 2 == 0 { -1.0 } else { 1.0 }), (Decision::GaveUp, 60));
    }
}
