//! Runs in which everything is fixed, so that each instant can be worked out: arrivals come once, at [`T`], and what is given "at
//! k s" is k seconds after that.

use models::distribution::Distribution;
use models::flow::When;
use models::quantity::Nanos;
use sim::engine::arrivals::Arrivals;
use sim::engine::example::arrivals;
use sim::engine::model::{Fault, Model, Target};
use sim::engine::{self, Outcome};

/// When all arrive, s.
pub const T: u64 = 1000;
/// When runs end, s: before a generator comes a second time.
pub const END: f64 = 1999.0;

pub fn fixed(x: f64) -> Distribution {
    Distribution::fixed(x)
}

pub fn play(model: &Model<'_>) -> Outcome {
    engine::run(model, 1, 0).unwrap()
}

/// So many jobs of a flow at `at` s.
pub fn come(model: &mut Model<'_>, flow: u32, at: f64, jobs: u32) {
    arrivals(model, flow, Arrivals::Renewal { gap_s: fixed(T as f64 + at), batch: fixed(f64::from(jobs)) });
}

pub fn fault(model: &mut Model<'_>, target: Target, at: f64, lasts: Option<f64>) {
    let ns = |x: f64| Nanos((x * 1e9) as u64);
    let name = format!("fault {}", model.faults.len());
    model.faults.push(Fault { name, target, when: When::At { at: ns(T as f64 + at), lasts: lasts.map(ns) } });
}
