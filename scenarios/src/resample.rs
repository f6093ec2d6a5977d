//! A recording's step and the horizon's: means (or sums) over a coarser step, a number held (or dealt evenly) over a finer.

/// How the steps of a recording meet those of the horizon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ratio {
    /// So many steps of the recording make one of the horizon.
    Gather(u64),
    /// A step of the recording makes so many of the horizon.
    Hold(u64),
}

impl Ratio {
    /// Nothing where neither step is a multiple of the other.
    pub(crate) const fn of(recording_s: u64, horizon_s: u64) -> Option<Self> {
        if horizon_s.is_multiple_of(recording_s) {
            Some(Self::Gather(horizon_s / recording_s))
        } else if recording_s.is_multiple_of(horizon_s) {
            Some(Self::Hold(recording_s / horizon_s))
        } else {
            None
        }
    }

    /// How many steps of the recording a horizon needs.
    pub(crate) const fn rows_for(self, steps: u64) -> u64 {
        match self {
            Self::Gather(k) => steps * k,
            Self::Hold(k) => steps.div_ceil(k),
        }
    }
}

/// A column of means, filled step by step.
pub(crate) struct Means {
    ratio: Ratio,
    steps: usize,
    sum: u64,
    gathered: u64,
    /// What is there.
    pub(crate) column: Vec<u32>,
}

impl Means {
    pub(crate) fn new(ratio: Ratio, steps: usize) -> Self {
        Self { ratio, steps, sum: 0, gathered: 0, column: Vec::with_capacity(steps.min(1 << 16)) }
    }

    pub(crate) fn push(&mut self, khz: u32) {
        match self.ratio {
            Ratio::Gather(k) => {
                self.sum += u64::from(khz);
                self.gathered += 1;
                if self.gathered == k {
                    // Rounded half up; the mean of numbers that fit fits.
                    self.column.push(((self.sum + k / 2) / k) as u32);
                    (self.sum, self.gathered) = (0, 0);
                }
            }
            Ratio::Hold(k) => {
                let room = self.steps - self.column.len();
                self.column.extend(std::iter::repeat_n(khz, room.min(k as usize)));
            }
        }
    }
}

/// Counts by step of the recording as counts by step of the horizon.
pub(crate) fn counts(ratio: Ratio, steps: usize, recorded: &[f64]) -> Vec<f64> {
    match ratio {
        Ratio::Gather(k) => recorded.chunks_exact(k as usize).map(|chunk| chunk.iter().sum()).collect(),
        Ratio::Hold(k) => recorded.iter().flat_map(|count| std::iter::repeat_n(count / k as f64, k as usize)).take(steps).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coarser_step_is_a_mean_and_a_finer_holds() {
        let mut coarse = Means::new(Ratio::of(60, 120).unwrap(), 2);
        let mut fine = Means::new(Ratio::of(60, 20).unwrap(), 7);
        for khz in [1, 2, 10, 20] {
            coarse.push(khz);
        }
        for khz in [1, 2, 3] {
            fine.push(khz);
        }
        // (1 + 2) / 2 = 1.5, rounded 2; (10 + 20) / 2 = 15.
        assert_eq!(coarse.column, [2, 15]);
        assert_eq!(fine.column, [1, 1, 1, 2, 2, 2, 3]);
    }

    #[test]
    fn counts_are_summed_or_dealt_evenly() {
        assert_eq!(counts(Ratio::Gather(2), 2, &[1.0, 2.0, 3.0, 4.0]), [3.0, 7.0]);
        assert_eq!(counts(Ratio::Hold(2), 3, &[1.0, 4.0]), [0.5, 0.5, 2.0]);
    }

    #[test]
    fn a_horizon_needs_whole_rows() {
        assert_eq!(Ratio::Gather(5).rows_for(288), 1440);
        assert_eq!(Ratio::Hold(5).rows_for(11), 3);
        assert_eq!(Ratio::of(300, 90), None);
    }
}
