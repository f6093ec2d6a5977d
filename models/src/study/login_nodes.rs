//! Login nodes: a guest for each light user, a physical node for who needs more.

use serde::Serialize;

use super::{Answer, Study};
use crate::estimate::Estimate;
use crate::law::login::{Login, needs};
use crate::quantity::QuantityError;

/// The givens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LoginNodes {
    /// Users and what they get; the mean number of cores is that of `mean_cores`.
    pub login: Login,
    /// Cores that a user asks for at a time, on average, with its range.
    pub mean_cores: Estimate,
}

impl LoginNodes {
    /// Answers.
    ///
    /// # Errors
    /// As [`needs`].
    pub fn answer(&self, study: &Study) -> Result<Answer, QuantityError> {
        let of = |mean_cores| needs(&Login { mean_cores, ..self.login });
        let (value, low, high) = (of(self.mean_cores.value)?, of(self.mean_cores.low)?, of(self.mean_cores.high)?);
        let mut answer = Answer::to(study, &["login"]);
        // Not every figure rises with what a user asks for: guests fall as users move out.
        let range = |x: f64, a: f64, b: f64| Estimate { value: x, low: x.min(a).min(b), high: x.max(a).max(b) };
        let count = |f: fn(&crate::law::login::Needs) -> u32| range(f64::from(f(&value)), f64::from(f(&low)), f64::from(f(&high)));
        answer.tell("share of users who outgrow a guest", range(value.heavy, low.heavy, high.heavy), "", "lognormal, closed form");
        answer.tell("physical nodes", count(|n| n.nodes), "", "binomial quantile");
        answer.tell("guests at a time", count(|n| n.guests), "", "binomial quantile");
        answer.tell("hosts for the guests", count(|n| n.hosts), "", "the larger of memory and CPU");
        let binds = if value.hosts_by_memory >= value.hosts_by_cpu { "memory" } else { "CPU" };
        answer.say(format!(
            "{} users, a guest each of {} cores and {} MiB: {} guests at a time on {} hosts ({binds} binds), and {} physical nodes for the {:.1} % who ask for more",
            self.login.users,
            self.login.guest_cores,
            self.login.guest_memory.0,
            value.guests,
            value.hosts,
            value.nodes,
            100.0 * value.heavy
        ));
        answer.say(format!(
            "who asks for more than {} cores: shut the guest down, start the user's image on a free physical node; back when the peak of a \
             day stays below, so that he finds the same files",
            self.login.guest_cores
        ));
        Ok(answer)
    }
}
