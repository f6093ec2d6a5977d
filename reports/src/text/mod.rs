//! What the terminal shows: plain text, aligned columns, no colour.
//!
//! Each function says how wide and how long it is. A name that is too long for its column is cut with an ellipsis; the
//! page and the JSON hold it whole.

mod measures;
mod steps;
mod summary;
mod table;
mod verdicts;

pub use measures::measures;
pub use steps::steps;
pub use summary::{COLUMNS, LINES, summary};
pub use verdicts::verdicts;

/// stub
pub fn requests(f: &sim::experiment::Findings) -> String {
    let mut o = String::new();
    for c in &f.cases {
        o += &format!(
            "{} {} x{} jobs {:.0} events {:.0} unstable {:?}\n",
            c.name, c.title, c.replications, c.jobs.value, c.events.value, c.unstable
        );
        for x in &c.flows {
            let q = |i: usize| x.quantiles.get(i).map_or(f64::NAN, |q| q.1.value);
            o += &format!(
                "  {:<14} arr {:.0} served {:.0} lost {:.0} retried {:.0} late {:?} p50 {:.3} p95 {:.3} {:?} p99 {:.3} {:?}\n",
                x.name,
                x.arrived.value,
                x.served.value,
                x.lost.value,
                x.retried.value,
                x.late.as_ref().map(|l| l.value),
                q(0),
                q(1),
                x.quantiles.get(1).and_then(|q| q.1.interval),
                q(2),
                x.objective.as_ref().map(|o| o.kept)
            );
        }
        for x in &c.comparisons {
            o += &format!("  cmp {} {:.4} {:?} moved {} vr {:?}\n", x.flow, x.difference.value, x.together, x.moved, x.variance_reduction);
        }
        for l in c.log.iter().take(12) {
            o += &format!("  log {} {}\n", l.at_ns / 1_000_000_000, l.what);
        }
        for g in c.guests.iter().take(12) {
            o += &format!("  guest {} steal {:.2} down {:.1}\n", g.guest, g.steal.value, g.down.value);
        }
        for p in &c.power {
            o += &format!("  {} {:.3} {:?} {}\n", p.name, p.value, p.interval, p.unit);
        }
    }
    o
}
