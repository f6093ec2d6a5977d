//! The proof of the engine: what it plays, held against closed forms.
//!
//! - `judge`: the test in two stages that all statistical rows go through
//! - `stations`: one station: M/M/c, loss, M/G/1, processor sharing, batches, bursts, M_t/M/inf
//! - `networks`: closed and open networks, k of n hosts
//! - `exact`: what leaves nothing to chance: shares, pre-copy, batches at a fixed period, digits of the statistics
//! - `draws`: streams and samplers
//!
//! A statistical row plays its case in independent replications and holds their mean against the law by Student's t, first at
//! alpha = 0.01. A row that fails is played again on ten times as many fresh replications, at alpha = 0.0001, and that is the
//! last word: nothing is tried until it passes. A right engine fails a row once in a million, and any of the rows at most as often as
//! their number in a million ([`family_wise`]), however the rows depend on each other. A bias of 5.17 standard errors of the
//! first stage is found: with a probability of 94 % on ten runs, 99 % on fifty or more. Each row says what that is of its value; it is to
//! be 1 %, and is not where that takes more than some seconds: high load, bursts, heavy tails, rare losses. What an empty start and a sudden end may shift the mean by is bounded, and told in
//! standard errors: a tenth at most.
//!
//! Left out: validation against measurements of sites (that is the scenarios' matter), and power.

mod draws;
mod exact;
mod judge;
mod networks;
mod stations;

use serde::Serialize;
use std::fmt::Write;

pub use judge::{Sample, Verdict, two_stages};

use crate::engine::Broken;

/// False alarms of one statistical row: of the first stage times those of the second, which are independent.
pub const FALSE_ALARM: f64 = judge::FIRST_ALPHA * judge::SECOND_ALPHA;

/// How much is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// For every run of the tests: about a sixtieth of [`Effort::Full`].
    Quick,
    /// For a release, and every night with another seed: some 300 million events.
    Full,
}

/// How a row is judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Test {
    /// The mean over replications, or a probability, in two stages.
    Statistical,
    /// Equal to the last digit.
    Exact,
    /// Equal to this share of the reference (where that is 0, to this).
    Within {
        /// Greatest relative difference.
        relative: f64,
    },
    /// The 90 % interval of a difference lies within this share of the reference on both sides (two one-sided tests).
    Equivalence {
        /// Share of the reference.
        margin: f64,
    },
    /// Shown, not judged.
    Published,
}

/// One number held against another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Of the table of cases in the validation plan.
    pub number: u32,
    /// What is played.
    pub case: String,
    /// What is compared: W (sojourn), Wq (wait), L (number present), X (throughput), C (probability of waiting) ...
    pub what: String,
    /// By the law.
    pub reference: f64,
    /// By the engine.
    pub ours: f64,
    /// Half of the 95 % interval of ours.
    pub half_width: Option<f64>,
    /// The difference in standard errors.
    pub z: Option<f64>,
    /// Independent replications behind it.
    pub replications: u32,
    /// The stage that had the last word: 1 or 2; 0 where chance has no part.
    pub stage: u8,
    /// How it is judged.
    pub test: Test,
    /// Whether it holds.
    pub passes: bool,
    /// What is to be known about it.
    pub note: String,
}

/// All rows, in the order of their numbers.
///
/// # Errors
/// A law of conservation that a run broke.
pub fn all(seed: u64, effort: Effort) -> Result<Vec<Row>, Box<Broken>> {
    let mut rows = stations::rows(seed, effort)?;
    rows.extend(networks::rows(seed, effort)?);
    rows.extend(exact::rows()?);
    rows.extend(draws::rows(seed, effort));
    rows.sort_by_key(|row| row.number);
    Ok(rows)
}

/// How often a right engine fails some row, at most: the sum over statistical rows, whether or not they depend on each other.
#[must_use]
pub fn family_wise(rows: &[Row]) -> f64 {
    rows.iter().filter(|row| row.test == Test::Statistical).count() as f64 * FALSE_ALARM
}

/// The rows for people, 140 columns wide at most.
#[must_use]
pub fn table(rows: &[Row], seed: u64) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{:>2} {:<35} {:<13} {:>11} {:>11} {:>8} {:>5} {:>4} {:<9} {:<4} note",
        "#", "case", "what", "law", "engine", "+- 95 %", "z", "runs", "test", ""
    );
    for row in rows {
        let test = match row.test {
            Test::Statistical => format!("stage {}", row.stage),
            Test::Exact => "exact".to_owned(),
            Test::Within { relative } => format!("to {relative:.0e}"),
            Test::Equivalence { margin } => format!("within {:.0}%", margin * 100.0),
            Test::Published => "published".to_owned(),
        };
        let line = format!(
            "{:>2} {:<35} {:<13} {:>11} {:>11} {:>8} {:>5} {:>4} {:<9} {:<4} {}",
            row.number,
            row.case,
            row.what,
            digits(row.reference),
            digits(row.ours),
            row.half_width.map_or_else(String::new, |h| format!("{h:.1e}")),
            row.z.map_or_else(String::new, |z| format!("{z:+.2}")),
            if row.replications > 0 { row.replications.to_string() } else { String::new() },
            test,
            if row.passes { "ok" } else { "FAIL" },
            row.note
        );
        let _ = writeln!(out, "{}", line.chars().take(140).collect::<String>().trim_end());
    }
    let passed = rows.iter().filter(|row| row.passes).count();
    let statistical = rows.iter().filter(|row| row.test == Test::Statistical).count();
    let second = rows.iter().filter(|row| row.stage == 2).count();
    let _ = writeln!(out, "{passed} of {} rows pass; {second} of {statistical} statistical rows needed the second stage", rows.len());
    let _ = writeln!(out, "a right engine fails some row with a probability of at most {:.1e} ({statistical} x 1e-6)", family_wise(rows));
    let _ = writeln!(out, "seed {seed}");
    out
}

/// Seven digits, whatever the size.
fn digits(x: f64) -> String {
    let size = x.abs();
    if x == 0.0 {
        "0".to_owned()
    } else if x.fract() == 0.0 && size < 1e12 {
        format!("{x:.0}")
    } else if (1e-3..1e6).contains(&size) {
        let whole = if size >= 1.0 { libm::log10(size) as usize + 1 } else { 0 };
        format!("{x:.*}", 7usize.saturating_sub(whole))
    } else {
        format!("{x:.6e}")
    }
}
