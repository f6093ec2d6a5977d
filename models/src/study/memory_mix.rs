//! Sizing by the mean: how likely it is that guests of a known mean need more than guests x mean.

use serde::Serialize;

use super::{Answer, Study};
use crate::estimate::Estimate;
use crate::law::memory_mix::{Size, exceeds, mean};
use crate::quantity::{MiB, QuantityError};

/// The givens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MemoryMix {
    /// Guests.
    pub guests: u32,
    /// Their sizes, and the weight of each.
    pub sizes: Vec<(MiB, f64)>,
    /// Memory that they have in all.
    pub installed: MiB,
}

impl MemoryMix {
    /// Answers.
    ///
    /// # Errors
    /// As [`exceeds`].
    pub fn answer(&self, study: &Study) -> Result<Answer, QuantityError> {
        let sizes: Vec<Size> = self.sizes.iter().map(|(memory, weight)| Size { memory: *memory, weight: *weight }).collect();
        let p = exceeds(&sizes, self.guests, self.installed)?;
        let mut answer = Answer::to(study, &["memory_mix"]);
        answer.tell("mean of a guest", Estimate::exactly(mean(&sizes)), "MiB", "closed form");
        answer.tell("chance of not fitting", Estimate::exactly(p), "", "exact convolution");
        // The least total that is enough in 99 of 100 mixes: by halving, as the chance falls with what is installed.
        let (mut low, mut high) = (0, sizes.iter().map(|s| s.memory.0).max().unwrap_or(0) * u64::from(self.guests));
        while low < high {
            let middle = low + (high - low) / 2;
            if exceeds(&sizes, self.guests, MiB(middle))? > 0.01 { low = middle + 1 } else { high = middle }
        }
        answer.tell("enough in 99 of 100", Estimate::exactly(low as f64), "MiB", "exact convolution");
        if p > 0.01 {
            answer.say(format!(
                "{} guests of {:.0} MiB on average do not fit in {} MiB in {:.0} of 100 mixes: add up the guests one by one, or take {low} MiB",
                self.guests,
                mean(&sizes),
                self.installed.0,
                100.0 * p
            ));
        }
        Ok(answer)
    }
}
