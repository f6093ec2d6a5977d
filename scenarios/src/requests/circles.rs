//! Circles: stages from which jobs never leave, and tiers that wait for one another.

use models::flow::{Flow, Full, Stage, Tier, TierId};

use crate::document::{At, Document};
use crate::error::Error;

/// Refuses tiers that hold their slots while they wait for each other.
///
/// A job that finds `full = "wait"` keeps its slot where it was, so a circle of such tiers, all full, stands still for ever.
/// Tiers without a limit of slots or of the queue are never full. Each list of `shared` counts as one tier. The error stands
/// where `place` says, of the first tier of the circle.
pub(super) fn of_tiers(
    doc: &Document<'_>,
    tiers: &[Tier],
    flows: &[Flow],
    shared: &[Vec<TierId>],
    place: impl Fn(usize) -> At,
) -> Result<(), Error> {
    let pool = |t: TierId| shared.iter().find(|list| list.contains(&t)).map_or(t, |list| list[0]).index();
    let waits = |t: &Tier| t.full == Full::Wait && t.slots.is_some() && t.queue.is_some();
    let stops: Vec<bool> =
        (0..tiers.len()).map(|p| tiers.iter().enumerate().any(|(t, tier)| pool(TierId::at(t)) == p && waits(tier))).collect();
    if !stops.contains(&true) {
        return Ok(());
    }
    let mut edges = vec![vec![false; tiers.len()]; tiers.len()];
    for stage_of in flows.iter().map(|f| &f.stages) {
        for stage in stage_of {
            for (_, to) in stage.then.iter().filter(|(share, _)| *share > 0.0) {
                if let (Some(a), Some(b)) = (stage.tier, stage_of[*to].tier)
                    && stops[pool(b)]
                {
                    edges[pool(a)][pool(b)] = true;
                }
            }
        }
    }
    let Some(circle) = groups(&edges).into_iter().next() else { return Ok(()) };
    let names: Vec<String> = circle.iter().map(|t| format!("`{}`", tiers[*t].name)).collect();
    let who = match names.as_slice() {
        [one] => format!("jobs of the tier {one} wait for room in it while they hold its slots"),
        several => format!("the tiers {} wait for one another with their slots held", several.join(", ")),
    };
    Err(doc
        .error(&place(circle[0]), format!("{who}: full, they may stand still for ever"))
        .help("let one of them `refuse` or `retry`, or leave its `queue` without a limit"))
}

/// Refuses a loop of stages in which as many jobs come round as went in, or more.
///
/// The loop ends where the spectral radius of its shares x copies is below 1. That is so exactly where elimination of
/// I - M without exchange meets positive pivots only (I - M is a nonsingular M-matrix; Berman and Plemmons, Nonnegative
/// Matrices in the Mathematical Sciences, theorem 6.2.3).
///
/// # Errors
/// The positions of the stages of a loop that does not end.
pub(super) fn endless_stages(stages: &[Stage]) -> Result<(), Vec<usize>> {
    let n = stages.len();
    let mut next = vec![vec![0.0; n]; n];
    for (s, stage) in stages.iter().enumerate() {
        for (share, to) in &stage.then {
            next[s][*to] += share * stage.copies.mean;
        }
    }
    let edges: Vec<Vec<bool>> = next.iter().map(|row| row.iter().map(|x| *x > 0.0).collect()).collect();
    for group in groups(&edges) {
        let part = |i: usize, j: usize| f64::from(u8::from(i == j)) - next[group[i]][group[j]];
        let matrix = (0..group.len()).map(|i| (0..group.len()).map(|j| part(i, j)).collect()).collect();
        if pivots(matrix).iter().any(|p| *p < 1e-9) {
            return Err(group);
        }
    }
    Ok(())
}

/// How often one job that starts at the first stage comes to each, copies counted. No loop of the stages is endless.
pub(super) fn visits(stages: &[Stage]) -> Vec<f64> {
    let n = stages.len();
    // Transposed, with what enters as the last column: (I - M)' v = e.
    let mut rows = vec![vec![0.0; n + 1]; n];
    rows[0][n] = 1.0;
    for (s, stage) in stages.iter().enumerate() {
        rows[s][s] += 1.0;
        for (share, to) in &stage.then {
            rows[*to][s] -= share * stage.copies.mean;
        }
    }
    for k in 0..n {
        let pivot = rows[k].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(i, _)| *i != k) {
            subtract(row, &pivot, k);
        }
    }
    (0..n).map(|s| rows[s][n] / rows[s][s]).collect()
}

/// The pivots of elimination without exchange, up to the first that is not positive.
fn pivots(mut rows: Vec<Vec<f64>>) -> Vec<f64> {
    let mut all = Vec::new();
    for k in 0..rows.len() {
        let pivot = rows[k].clone();
        all.push(pivot[k]);
        if pivot[k] <= 0.0 {
            break;
        }
        rows[k + 1..].iter_mut().for_each(|row| subtract(row, &pivot, k));
    }
    all
}

/// Takes so much of the pivot's row from a row that nothing is left in column `k`.
fn subtract(row: &mut [f64], pivot: &[f64], k: usize) {
    let by = row[k] / pivot[k];
    row.iter_mut().zip(pivot).for_each(|(x, above)| *x -= by * above);
}

/// The groups of nodes that can reach each other and themselves, each in order, by their first.
fn groups(edges: &[Vec<bool>]) -> Vec<Vec<usize>> {
    let n = edges.len();
    let mut reach = edges.to_vec();
    // Warshall's closure: there are few nodes.
    for k in 0..n {
        let from_k = reach[k].clone();
        for row in reach.iter_mut().filter(|row| row[k]) {
            row.iter_mut().zip(&from_k).for_each(|(there, on)| *there |= on);
        }
    }
    let first = |i: usize| (0..i).all(|j| !(reach[i][j] && reach[j][i]));
    (0..n).filter(|i| reach[*i][*i] && first(*i)).map(|i| (i..n).filter(|j| reach[i][*j] && reach[*j][i]).collect()).collect()
}

#[cfg(test)]
mod tests {
    use models::distribution::{Distribution, Shape};

    use super::*;

    fn stage(then: &[(f64, usize)], copies: f64) -> Stage {
        Stage {
            name: String::new(),
            tier: None,
            cost: None,
            cpu_shape: Shape::Exponential,
            bytes_shape: Shape::Exponential,
            delay_s: None,
            then: then.to_vec(),
            copies: Distribution::fixed(copies),
        }
    }

    #[test]
    fn a_loop_ends_where_less_comes_round_than_went_in() {
        // Round once: 0.5 x 1.9 = 0.95; 0.5 x 2 = 1.
        assert_eq!(endless_stages(&[stage(&[(0.5, 1)], 1.9), stage(&[(1.0, 0)], 1.0)]), Ok(()));
        assert_eq!(endless_stages(&[stage(&[(0.5, 1)], 2.0), stage(&[(1.0, 0)], 1.0)]), Err(vec![0, 1]));
        // The second loop, of stage 2 with itself, is the one that does not end.
        assert_eq!(endless_stages(&[stage(&[(0.5, 0), (0.5, 1)], 1.0), stage(&[(1.0, 2)], 1.0), stage(&[(1.0, 2)], 1.0)]), Err(vec![2]));
        // Two ways round that together bring back 0.6 + 0.4.
        let stages = [stage(&[(0.6, 1), (0.4, 2)], 1.0), stage(&[(1.0, 0)], 1.0), stage(&[(1.0, 0)], 1.0)];
        assert_eq!(endless_stages(&stages), Err(vec![0, 1, 2]));
    }

    #[test]
    fn visits_count_loops_and_copies() {
        // Stage 0 is visited 1 / (1 - 0.25) = 4/3 times; half of these go on, as 3 each: 4/3 x (0.25 round, 0.5 on) x copies 1.
        // Stage 1: 4/3 x 0.5 = 2/3; stage 2: 3 x 2/3 = 2.
        let found = visits(&[stage(&[(0.25, 0), (0.5, 1)], 1.0), stage(&[(1.0, 2)], 3.0), stage(&[], 1.0)]);
        for (found, expected) in found.iter().zip([4.0 / 3.0, 2.0 / 3.0, 2.0]) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }
}
