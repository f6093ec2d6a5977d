//! Live migrations over one link: how long each alone, how long together, and whether they end.

use serde::Serialize;

use super::{Answer, Study};
use crate::estimate::Estimate;
use crate::law::migration::StopRule;
use crate::law::shared_migration::{Course, Moved, Shared, fitted, run};
use crate::quantity::{BytesPerSecond, Nanos, QuantityError};

/// The givens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Migration {
    /// What is known of the link.
    pub link: Known,
    /// Guests, in the order in which they start.
    pub guests: Vec<Guest>,
    /// The longest that a guest may stand still.
    pub downtime_max: Nanos,
    /// Rounds at most, the first copy included.
    pub rounds_max: u32,
    /// The most at once; `None`: all.
    pub at_once: Option<u32>,
}

/// What is known of the link.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Known {
    /// Its rate, and what a migration takes before its first byte.
    Given {
        /// Rate.
        bandwidth: BytesPerSecond,
        /// Fixed time.
        latency: Nanos,
    },
    /// Idle guests that were moved over it alone: memory in bytes, and seconds. Two numbers are fitted to them.
    Fitted {
        /// Pairs, two or more.
        history: Vec<(f64, f64)>,
    },
}

/// A guest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Guest {
    /// Memory, bytes.
    pub memory_bytes: f64,
    /// What it keeps writing to, bytes.
    pub working_set_bytes: f64,
    /// How fast it dirties memory.
    pub dirty: BytesPerSecond,
}

impl Migration {
    /// Answers.
    ///
    /// # Errors
    /// As [`run`] and [`fitted`].
    pub fn answer(&self, study: &Study) -> Result<Answer, QuantityError> {
        let mut answer = Answer::to(study, &["migration", "shared_migration"]);
        let (bandwidth, latency, numbers) = match &self.link {
            Known::Given { bandwidth, latency } => (*bandwidth, *latency, 0),
            Known::Fitted { history } => {
                let (bandwidth, latency) = fitted(history)?;
                (bandwidth, latency, 2)
            }
        };
        let how = if numbers == 0 { "given" } else { "a straight line through the history" };
        answer.tell_fitted("bandwidth", Estimate::exactly(bandwidth.get()), "B/s", numbers, how);
        answer.tell_fitted("latency", Estimate::exactly(latency.as_seconds()), "s", numbers, how);
        let how_alone = if numbers == 0 { "rounds of pre-copy" } else { "the line" };
        let how_shared = if numbers == 0 { "rounds of pre-copy, the link shared" } else { "the line, out of sample: the link shared" };
        let guests: Vec<Moved> = self
            .guests
            .iter()
            .map(|g| Moved { memory_bytes: g.memory_bytes, working_set_bytes: g.working_set_bytes, dirty: g.dirty, cap: None })
            .collect();
        let stop = StopRule { downtime_max: self.downtime_max, rounds_max: self.rounds_max };
        let over = |at_once, guests: &[Moved]| run(&Shared { bandwidth, latency, at_once }, guests, stop);
        let together = over(self.at_once, &guests)?;
        let by_turns = over(Some(1), &guests)?;
        let most = |of: &dyn Fn(&Course) -> Nanos, all: &[Course]| all.iter().map(of).max().unwrap_or(Nanos::ZERO).as_seconds();
        let least = together.iter().map(|c| c.end).min().unwrap_or(Nanos::ZERO).as_seconds();
        let (alone, last) = (most(&Course::total, &by_turns), most(&|c| c.end, &together));
        let mut tell = |name: &str, value: f64, unit: &str| {
            let how = if name.contains("alone") || name.contains("one at a time") { how_alone } else { how_shared };
            answer.tell_fitted(name, Estimate::exactly(value), unit, numbers, how);
        };
        tell("longest alone", alone, "s");
        tell("longest together", most(&Course::total, &together), "s");
        tell("first ends after", least, "s");
        tell("last ends after", last, "s");
        tell("one at a time, last ends", most(&|c| c.end, &by_turns), "s");
        tell("longest standstill alone", most(&|c| c.downtime, &by_turns), "s");
        tell("longest standstill together", most(&|c| c.downtime, &together), "s");
        let converge = |all: &[Course]| all.iter().filter(|c| c.because.is_none()).count();
        tell("converge alone", converge(&by_turns) as f64, "guests");
        tell("converge together", converge(&together) as f64, "guests");
        for (k, (one, shared)) in by_turns.iter().zip(&together).enumerate() {
            let standstill = |c: &Course| c.downtime.as_seconds();
            if one.because.is_some() {
                answer.say(format!(
                    "guest {} does not converge even alone: stopped all the same it stands still for {:.1} s; stop it and start it elsewhere",
                    k + 1,
                    standstill(one)
                ));
            } else if shared.because.is_some() {
                answer.say(format!(
                    "guest {} converges alone and not in company: it would stand still for {:.1} s; move it by itself",
                    k + 1,
                    standstill(shared)
                ));
            }
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    const MIB: f64 = 1_048_576.0;

    fn rate(mib_s: f64) -> BytesPerSecond {
        BytesPerSecond::new(mib_s * MIB).unwrap()
    }

    fn asked(migration: &Migration) -> Answer {
        let study = Study { name: "moves".into(), title: "moves".into(), kind: Kind::Migration(migration.clone()) };
        migration.answer(&study).unwrap()
    }

    fn figure(answer: &Answer, name: &str) -> f64 {
        answer.figure(name).unwrap_or_else(|| panic!("no figure {name}")).value.value
    }

    fn over(mib_s: f64, guests: &[(f64, f64, f64)]) -> Migration {
        Migration {
            link: Known::Given { bandwidth: rate(mib_s), latency: Nanos::ZERO },
            guests: guests.iter().map(|(m, d, w)| Guest { memory_bytes: m * MIB, working_set_bytes: w * MIB, dirty: rate(*d) }).collect(),
            downtime_max: Nanos::millis(30),
            rounds_max: 30,
            at_once: None,
        }
    }

    #[test]
    fn single_guests_are_those_of_the_table() {
        // Models A5: memory, dirty rate, working set, seconds, milliseconds; R = 117 a second, then 11.8.
        for (m, d, w, seconds, millis) in
            [(1024.0, 5.0, 64.0, "9.1", "16"), (1024.0, 80.0, 256.0, "15.6", "23"), (4096.0, 60.0, 256.0, "39.5", "20")]
        {
            let answer = asked(&over(117.0, &[(m, d, w)]));
            assert_eq!(format!("{:.1}", figure(&answer, "last ends after")), seconds);
            assert_eq!(format!("{:.0}", figure(&answer, "longest standstill together") * 1e3), millis);
            assert!(answer.says.is_empty());
        }
        for (d, w, seconds) in [(30.0, 64.0, "5.4"), (80.0, 256.0, "21.7")] {
            let answer = asked(&over(11.8, &[(1024.0, d, w)]));
            assert_eq!(format!("{:.1}", figure(&answer, "longest standstill alone")), seconds);
            assert!(figure(&answer, "converge alone") == 0.0 && answer.says[0].contains("even alone"));
        }
    }

    #[test]
    fn a_fitted_line_meets_what_it_was_fitted_to_and_says_so() {
        // 8 s a thousand and half a second: 1000 in 8.5 s, 100 in 1.3 s; three of 500 share the link: 3 x 4 + 0.5.
        let guests = vec![Guest { memory_bytes: 500.0, working_set_bytes: 0.0, dirty: BytesPerSecond::ZERO }; 3];
        let answer = asked(&Migration { link: Known::Fitted { history: vec![(1000.0, 8.5), (100.0, 1.3)] }, guests, ..over(1.0, &[]) });
        assert!((figure(&answer, "bandwidth") - 125.0).abs() < 1e-9 && (figure(&answer, "latency") - 0.5).abs() < 1e-8);
        assert!((figure(&answer, "last ends after") - 12.5).abs() < 1e-8);
        assert!((figure(&answer, "longest alone") - 4.5).abs() < 1e-8);
        assert!(answer.figures.iter().all(|f| f.fitted == 2));
    }

    #[test]
    fn a_slower_link_makes_every_time_longer() {
        let guests = [(1024.0, 5.0, 64.0), (2048.0, 5.0, 64.0)];
        let (fast, slow) = (asked(&over(117.0, &guests)), asked(&over(58.5, &guests)));
        for name in ["longest alone", "first ends after", "last ends after", "one at a time, last ends"] {
            assert!(figure(&slow, name) > figure(&fast, name), "{name}");
        }
    }
}
