//! What fair sharing alone says of a web guest beside busy Windows guests on one host of eight cores (models 0.2, B3 row 17).
//!
//! Equal weights, every guest of two virtual CPUs and busy, and the control domain (dom0) between idle and two cores. Nothing
//! is fitted. The loss measured beside four guests that burn CPU, 23.4 %, lies within; that beside four that do I/O, 37.5 %,
//! does not, so that fair sharing cannot be all there is.

use models::law::share::max_min;

/// Parts of a core: 8 cores divide by 5 and by 6 claimants without a rest.
const CORE: u64 = 30;
/// All guests weigh the same: Xen's default.
const WEIGHT: u64 = 256;

/// What the web guest gets beside `windows` busy guests, over the two cores that it asks for, as a change in percent.
fn change_percent(windows: usize, dom0: u64) -> f64 {
    let mut demands = vec![(2 * CORE, WEIGHT), (dom0, WEIGHT)];
    demands.extend(vec![(2 * CORE, WEIGHT); windows]);
    let web = max_min(8 * CORE, &demands)[0];
    (web as f64 / (2 * CORE) as f64 - 1.0) * 100.0
}

#[test]
fn one_and_two_neighbours_cost_nothing_three_up_to_20_and_four_20_to_33_percent() {
    // n = 1: 6 cores asked. n = 2: 8. n = 3: 8 without dom0, with it 10: 8/5 = 1.6 of 2. n = 4: 8/5 without dom0, 8/6 with it.
    for (windows, dom0_idle, dom0_busy) in [(1, 0.0, 0.0), (2, 0.0, 0.0), (3, 0.0, -20.0), (4, -20.0, -100.0 / 3.0)] {
        assert!((change_percent(windows, 0) - dom0_idle).abs() < 1e-12, "{windows}");
        assert!((change_percent(windows, 2 * CORE) - dom0_busy).abs() < 1e-12, "{windows}");
    }
}

#[test]
fn the_measured_loss_beside_cpu_burners_lies_within_and_that_beside_io_does_not() {
    let (most, least) = (change_percent(4, 2 * CORE), change_percent(4, 0));
    assert!(most <= -23.4 && -23.4 <= least);
    // Missed by more than four points: -37.5 against -33.3.
    assert!(-37.5 < most - 4.0);
}

#[test]
fn a_busier_dom0_never_helps_and_stays_within_the_bounds() {
    for windows in 0..12 {
        for dom0 in 0..2 * CORE {
            let change = change_percent(windows, dom0);
            assert!(change_percent(windows, dom0 + 1) <= change);
            assert!(change_percent(windows, 2 * CORE) <= change && change <= change_percent(windows, 0));
            assert!(change_percent(windows + 1, dom0) <= change);
        }
    }
}
