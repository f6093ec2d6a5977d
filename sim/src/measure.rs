//! What a replay observes, and how sure it is.

use models::plan::Figure;
use models::quantity::{BytesPerSecond, Nanos, VoltAmperes, WattHours, Watts};
use models::rule::ups::Nameplate;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// What one replay of a demand against a placement shows. Names, not ids, so that it stands alone as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measures {
    /// Length of a step, ns.
    pub step_ns: u64,
    /// Steps replayed.
    pub steps: u64,
    /// By host that is on.
    pub hosts: Vec<HostMeasures>,
    /// By guest that asked for more CPU than it got, the most in want first.
    pub unserved: Vec<Unserved>,
    /// CPU asked for by all guests, GHz h.
    pub asked_ghz_h: f64,
    /// CPU asked for and not served, GHz h.
    pub unserved_ghz_h: f64,
    /// The whole site on the CVCF: hosts that are on, and devices.
    pub site: PowerMeasures,
    /// By feed.
    pub feeds: Vec<PowerMeasures>,
    /// Loss of the CVCF, mean over the horizon, W; nothing where there is no CVCF.
    pub ups_loss_mean_w: Option<Watts>,
}

/// Power of the site or of a feed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PowerMeasures {
    /// `site`, or the feed's name.
    pub name: String,
    /// Mean real power, expected view.
    pub mean_w: Watts,
    /// Energy over the horizon, expected view.
    pub energy_wh: WattHours,
    /// Highest real power of a step, and when.
    pub peak_w: Watts,
    /// When, ns from the start.
    pub peak_w_at_ns: u64,
    /// Highest apparent power, volt-amperes summed arithmetically (the safe bound), and when.
    pub peak_va: VoltAmperes,
    /// When, ns from the start.
    pub peak_va_at_ns: u64,
    /// Highest apparent power with real and reactive parts summed apart (vector sum).
    pub peak_va_vector: VoltAmperes,
    /// The sum of nameplates.
    pub nameplate: Nameplate,
    /// The course over the horizon, in at most [`SERIES_POINTS`] equal stretches.
    pub series: Vec<PowerPoint>,
}

/// Power over a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PowerPoint {
    /// Start of the stretch, hours.
    pub hour: f64,
    /// Mean W.
    pub mean_w: f64,
    /// Highest W of a step.
    pub max_w: f64,
    /// Highest VA of a step, arithmetic.
    pub max_va: f64,
}

/// Most points of a course.
pub const SERIES_POINTS: usize = 672;

/// Most columns of a host's heat row.
pub const HEAT_COLUMNS: usize = 168;

/// A host that is on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostMeasures {
    /// Its name.
    pub host: String,
    /// Its class.
    pub class: String,
    /// Guests on it.
    pub guests: u32,
    /// CPU load as a share of capacity: mean. (Asked for, so that it may exceed 1.)
    pub cpu_mean: f64,
    /// Its 95th percentile over steps.
    pub cpu_p95: f64,
    /// Its 99th percentile over steps.
    pub cpu_p99: f64,
    /// Its highest step.
    pub cpu_max: f64,
    /// Memory of its guests, MiB.
    pub memory_used_mib: u64,
    /// Memory that guests can have, MiB.
    pub memory_mib: u64,
    /// Highest network rate of a step.
    pub network_max: BytesPerSecond,
    /// Its network capacity.
    pub network: BytesPerSecond,
    /// Highest disk rate of a step.
    pub disk_max: BytesPerSecond,
    /// Its disk capacity.
    pub disk: BytesPerSecond,
    /// Energy over the horizon.
    pub energy_wh: WattHours,
    /// Highest power of a step.
    pub peak_w: Watts,
    /// CPU asked for and not served, GHz h.
    pub unserved_ghz_h: f64,
    /// CPU load in at most [`HEAT_COLUMNS`] equal stretches: the highest step of each.
    pub heat: Vec<f32>,
}

/// A guest in want.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unserved {
    /// Its name.
    pub guest: String,
    /// CPU asked for, GHz h.
    pub asked_ghz_h: f64,
    /// CPU asked for and not served, GHz h.
    pub unserved_ghz_h: f64,
    /// Steps in which it got less than it asked for.
    pub steps: u64,
}

impl Measures {
    /// The instant of a step in words.
    #[must_use]
    pub fn when(ns: u64) -> String {
        Nanos(ns).to_string()
    }
}

/// The mean of independent replications with its 95 % confidence interval (Student's t); without an interval where there
/// is one replication only, which is what the replay of a recording is.
///
/// # Panics
/// Where there is no replication.
#[must_use]
pub fn figure(name: &str, unit: &str, replications: &[f64]) -> Figure {
    let n = replications.len();
    assert!(n > 0, "a figure without a replication");
    let mean = replications.iter().sum::<f64>() / n as f64;
    let interval = (n > 1).then(|| {
        let variance = replications.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1) as f64;
        let t = StudentsT::new(0.0, 1.0, (n - 1) as f64).expect("at least one degree of freedom").inverse_cdf(0.975);
        let half = t * (variance / n as f64).sqrt();
        (mean - half, mean + half)
    });
    Figure { name: name.into(), value: mean, unit: unit.into(), interval, count: n as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_1_2_3_is_two_plus_minus_2_484() {
        // s = 1, n = 3, t(0.975, 2) = 4.302653; 4.302653 / sqrt(3) = 2.484138.
        let f = figure("x", "W", &[1.0, 2.0, 3.0]);
        let (low, high) = f.interval.unwrap();
        assert!((f.value - 2.0).abs() < 1e-12 && (low - (2.0 - 2.484_138)).abs() < 1e-5 && (high - 4.484_138).abs() < 1e-5);
    }

    #[test]
    fn one_replay_has_no_interval() {
        assert_eq!(figure("x", "W", &[5.0]).interval, None);
    }
}
