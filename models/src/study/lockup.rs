//! Whether contention for CPU makes a kernel's watchdog cry: the gaps of a fair scheduler against the watchdog's time.

use serde::Serialize;

use super::{Answer, Study};
use crate::estimate::Estimate;
use crate::law::lockup::{self, Busy};
use crate::quantity::{Nanos, QuantityError};

/// The givens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lockup {
    /// Processors of the host.
    pub processors: u32,
    /// Virtual CPUs on it, by kind: how many, and the share of time that each is runnable.
    pub vcpus: Vec<(u32, f64)>,
    /// The scheduler's slice.
    pub slice: Nanos,
    /// The watchdog's threshold; it cries after twice as long.
    pub threshold: Nanos,
}

impl Lockup {
    /// Answers.
    ///
    /// # Errors
    /// As the laws of [`lockup`].
    pub fn answer(&self, study: &Study) -> Result<Answer, QuantityError> {
        let mut answer = Answer::to(study, &["lockup"]);
        let kinds: Vec<Busy> = self.vcpus.iter().map(|(vcpus, share)| Busy { vcpus: *vcpus, share: *share }).collect();
        let (m, q) = (self.processors, self.slice);
        let cries = lockup::watchdog(self.threshold)?;
        let chance = lockup::runnable(&kinds)?;
        let all = (chance.len() - 1) as u32;
        let most = lockup::most_gap(all, m, q)?;
        let exact = "exact sum of binomials";
        answer.tell("watchdog", Estimate::exactly(cries.as_seconds()), "s", "twice its threshold");
        answer.tell("gap, all runnable", Estimate::exactly(most.as_seconds()), "s", "closed form");
        let p99 = lockup::gap_at(&chance, m, q, 0.99)?;
        answer.tell("gap, 99 % of the time", Estimate::exactly(p99.as_seconds()), "s", exact);
        answer.tell("share with any gap", Estimate::exactly(lockup::exceeds(&chance, m, q, Nanos::ZERO)?), "", exact);
        answer.tell("share beyond the watchdog", Estimate::exactly(lockup::exceeds(&chance, m, q, cries)?), "", exact);
        // The one that wakes is not among those that run: the last kind has one less.
        let mut others = kinds;
        if let Some(last) = others.iter_mut().rev().find(|k| k.vcpus > 0) {
            last.vcpus -= 1;
        }
        let delay = lockup::dispatch_delay_ns(&lockup::runnable(&others)?, m, q)?;
        answer.tell("delay of a waking vCPU", delay.times(1e-6), "ms", "exact; half a slice, from none to one");
        match lockup::runnable_to_exceed(cries, m, q)? {
            Some(needed) => {
                answer.tell("runnable vCPUs needed", Estimate::exactly(needed as f64), "vCPUs", "closed form");
                if most > cries {
                    answer.say(format!(
                        "with all of {all} virtual CPUs runnable on {m} processors one may wait for {:.1} s, longer than the watchdog's {} s: \
                         fewer virtual CPUs a host, or a shorter slice",
                        most.as_seconds(),
                        cries.as_seconds()
                    ));
                } else {
                    answer.say(format!(
                        "contention for CPU alone never reaches the watchdog: {all} virtual CPUs on {m} processors wait for at most {:.3} s of its \
                         {} s, and {needed} would have to be runnable at once",
                        most.as_seconds(),
                        cries.as_seconds()
                    ));
                }
            }
            None => answer.cannot_say.push(("runnable vCPUs needed".into(), "slices take no time".into())),
        }
        answer.say(
            "not promised: whether a kernel locks up. Memory that runs out, swap, stalls of storage and lock holders that wait make gaps that no \
             scheduler bounds; they are injected as faults (`stall`), and what follows is played",
        );
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::Kind;

    fn example() -> Lockup {
        Lockup { processors: 8, vcpus: vec![(80, 0.5)], slice: Nanos::millis(30), threshold: Nanos::seconds(10) }
    }

    fn ask(it: &Lockup) -> Answer {
        it.answer(&Study { name: "x".into(), title: String::new(), kind: Kind::Lockup(it.clone()) }).unwrap()
    }

    fn figure(it: &Lockup, name: &str) -> f64 {
        ask(it).figure(name).unwrap_or_else(|| panic!("{name}")).value.value
    }

    #[test]
    fn ten_a_processor_wait_a_quarter_of_a_second_and_the_watchdog_is_far() {
        // models A2: nine others x 30 ms; 20 s = 2 x 10 s.
        let it = example();
        assert_eq!(figure(&it, "watchdog"), 20.0);
        assert_eq!(figure(&it, "gap, all runnable"), 0.27);
        assert_eq!(figure(&it, "share beyond the watchdog"), 0.0);
        assert_eq!(figure(&it, "runnable vCPUs needed"), 5337.0);
        // 40 of 80 are runnable on average: never few enough for every one to run at once.
        assert!(figure(&it, "share with any gap") > 0.999_999);
        assert!((figure(&it, "delay of a waking vCPU") - 15.0).abs() < 1e-6);
        assert!(ask(&it).says[0].starts_with("contention for CPU alone never reaches"));
    }

    #[test]
    fn a_given_moves_its_figure_as_it_must() {
        let it = example();
        assert_eq!(figure(&Lockup { slice: Nanos::millis(3), ..it.clone() }, "gap, all runnable"), 0.027);
        assert_eq!(figure(&Lockup { threshold: Nanos::seconds(30), ..it.clone() }, "watchdog"), 60.0);
        let idle = Lockup { vcpus: vec![(80, 0.0)], ..it.clone() };
        assert_eq!((figure(&idle, "gap, 99 % of the time"), figure(&idle, "delay of a waking vCPU")), (0.0, 0.0));
        // Two busy vCPUs on one processor: one waits for the other half of the time that the other runs.
        let two = Lockup { processors: 1, vcpus: vec![(1, 1.0), (1, 0.5)], ..it.clone() };
        assert_eq!((figure(&two, "share with any gap"), figure(&two, "delay of a waking vCPU")), (0.5, 15.0));
        // A slice of a second, and a hundred on one processor: then it may.
        let absurd = Lockup { processors: 1, slice: Nanos::seconds(1), ..it };
        assert_eq!(figure(&absurd, "gap, all runnable"), 79.0);
        assert!(ask(&absurd).says[0].contains("longer than the watchdog's 20 s"));
        assert!(figure(&absurd, "share beyond the watchdog") > 0.99);
    }
}
