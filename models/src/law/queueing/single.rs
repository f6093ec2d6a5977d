//! One station with one line: Erlang's formulas, M/M/c, and M/G/1 first come first served.
//!
//! # Formula
//! Erlang B by its recursion, Erlang C from it, M/M/c's waits from Erlang C, and Pollaczek and Khinchine's mean wait for M/G/1.
//!
//! # Range
//! Poisson arrivals, an endless line, nobody leaves it. Erlang B holds for service of any distribution with that mean;
//! Erlang C and M/M/c for exponential service only; M/G/1 for any with a finite variance.
//!
//! # Source
//! Erlang 1917; Pollaczek 1930, Khinchine 1932 (fixtures: models B3, rows 1 to 7).
//!
//! # Error
//! Exact; fixtures are met to their last digit.

use super::{QueueError, argument, at_least_one, below_one, finite, nonnegative, positive};

/// The share of calls lost where `servers` serve and nobody waits: B(c) = a B(c-1) / (c + a B(c-1)), B(0) = 1.
///
/// `offered` is arrival rate x mean service, in erlangs; it may exceed the servers. The recursion only adds and divides
/// positive numbers, so it loses no digits.
///
/// ```
/// use models::law::queueing::erlang_b;
/// // Two lines and one erlang: (1/2) / (1 + 1 + 1/2).
/// assert_eq!(erlang_b(2, 1.0)?, 0.2);
/// # Ok::<(), models::law::queueing::QueueError>(())
/// ```
///
/// # Errors
/// Where `offered` is negative or not finite.
pub fn erlang_b(servers: u32, offered: f64) -> Result<f64, QueueError> {
    nonnegative("offered load", offered)?;
    Ok((1..=servers).fold(1.0, |b, c| offered * b / (f64::from(c) + offered * b)))
}

/// The share of customers who wait in M/M/c: C = B / (1 - rho (1 - B)), rho = offered / servers.
///
/// # Errors
/// No server, an `offered` load that is negative or not finite, or one that reaches the servers (overloaded).
pub fn erlang_c(servers: u32, offered: f64) -> Result<f64, QueueError> {
    let rho = below_one(nonnegative("offered load", offered)? / at_least_one("number of servers", servers)?)?;
    let b = erlang_b(servers, offered)?;
    Ok(b / (1.0 - rho * (1.0 - b)))
}

/// Mean time in the line of M/M/c: C / (c mu - lambda).
///
/// # Errors
/// As [`erlang_c`], and where `service_rate` is not above 0.
pub fn mmc_waiting(servers: u32, arrival_rate: f64, service_rate: f64) -> Result<f64, QueueError> {
    nonnegative("arrival rate", arrival_rate)?;
    let offered = arrival_rate / positive("service rate", service_rate)?;
    let c = erlang_c(servers, offered)?;
    // Written by the load, so that a load just below 1 cannot make a difference of rates that is 0.
    finite(c / (f64::from(servers) * service_rate * (1.0 - offered / f64::from(servers))))
}

/// Mean time from arrival to departure in M/M/c: waiting plus 1 / mu.
///
/// # Errors
/// As [`mmc_waiting`].
pub fn mmc_sojourn(servers: u32, arrival_rate: f64, service_rate: f64) -> Result<f64, QueueError> {
    finite(mmc_waiting(servers, arrival_rate, service_rate)? + 1.0 / service_rate)
}

/// The time within which a share `p` of the customers of M/M/1 first come first served leave: -ln(1 - p) / (mu - lambda).
///
/// The sojourn of that queue is exponential; of M/M/c with c > 1, or of another order of service, it is not.
///
/// # Errors
/// A `p` that is not from 0 to below 1, a rate that is not above 0 (arrivals may be none), or overload.
pub fn mm1_sojourn_quantile(arrival_rate: f64, service_rate: f64, p: f64) -> Result<f64, QueueError> {
    if !(0.0..1.0).contains(&p) {
        return Err(argument("share of customers", p, "it must be from 0 to below 1"));
    }
    finite(-libm::log1p(-p) * mmc_sojourn(1, arrival_rate, service_rate)?)
}

/// Mean time in the line of M/G/1 first come first served: rho s (1 + cv2) / (2 (1 - rho)) (Pollaczek-Khinchine).
///
/// `cv2` is the squared coefficient of variation of service: 0 constant, 1 exponential. The rule for the mean is exact;
/// with large `cv2` a simulation needs very long runs to meet it (models B3, note).
///
/// # Errors
/// A mean that is not above 0, a `cv2` that is negative or not finite, or a load `rho` outside 0 to below 1.
pub fn mg1_waiting(rho: f64, mean_service: f64, cv2: f64) -> Result<f64, QueueError> {
    positive("mean service", mean_service)?;
    nonnegative("squared coefficient of variation", cv2)?;
    let rho = below_one(rho)?;
    finite(rho * mean_service * (1.0 + cv2) / (2.0 * (1.0 - rho)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{close, prints};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn m_m_1_has_the_means_and_the_95th_percentiles_of_the_table() {
        // models B3 row 1, mu = 1: W = 1 / (1 - rho); p95 = ln 20 / (1 - rho), ln 20 = 2.995732273553991.
        for (rho, mean, p95, digits) in [
            (0.5, 2.0, "5.9915", 5.991_464_547_107_982),
            (0.8, 5.0, "14.9787", 14.978_661_367_769_95),
            (0.9, 10.0, "29.9573", 29.957_322_735_539_91),
            (0.95, 20.0, "59.9146", 59.914_645_471_079_82),
        ] {
            assert!(close(mmc_sojourn(1, rho, 1.0).unwrap(), mean, 1e-12));
            let quantile = mm1_sojourn_quantile(rho, 1.0, 0.95).unwrap();
            prints(quantile, p95);
            assert!(close(quantile, digits, 1e-12));
        }
    }

    #[test]
    fn m_m_c_has_the_means_and_the_delay_shares_of_the_table() {
        // models B3 rows 2 to 5, mu = 1. The long digits are the same formula in whole fractions.
        for (servers, rho, c, w, c_digits, w_digits) in [
            (2, 0.8, ".711111", "2.777778", 0.711_111_111_111_111_1, 2.777_777_777_777_778),
            (2, 0.9, ".852632", "5.263158", 0.852_631_578_947_368_4, 5.263_157_894_736_842),
            (4, 0.8, ".596432", "1.745541", 0.596_432_471_787_404_4, 1.745_540_589_734_255_5),
            (8, 0.5, ".059044", "1.014761", 0.059_043_994_695_266_1, 1.014_760_998_673_816_5),
            (8, 0.8, ".457645", "1.286028", 0.457_644_925_442_016_1, 1.286_028_078_401_26),
            (8, 0.9, ".701533", "1.876916", 0.701_532_990_146_257, 1.876_916_237_682_821_2),
            (8, 0.95, ".844169", "3.110422", 0.844_168_630_609_684, 3.110_421_576_524_21),
            (16, 0.9, ".591343", "1.369590", 0.591_343_393_872_389_7, 1.369_589_621_170_243_6),
        ] {
            let lambda = rho * f64::from(servers);
            let (share, sojourn) = (erlang_c(servers, lambda).unwrap(), mmc_sojourn(servers, lambda, 1.0).unwrap());
            prints(share, &format!("0{c}"));
            prints(sojourn, w);
            assert!(close(share, c_digits, 1e-12) && close(sojourn, w_digits, 1e-12), "{servers} {rho}");
        }
    }

    #[test]
    fn erlang_b_has_the_ten_digits_of_the_table() {
        // models B3 row 6; the long digits are the recursion in whole fractions.
        for (servers, offered, printed, digits) in [
            (5, 3.0, "0.1100543478", 0.110_054_347_826_086_96),
            (10, 8.0, "0.1216610643", 0.121_661_064_252_951_5),
            (50, 40.0, "0.01869067111", 0.018_690_671_109_632_25),
            (100, 90.0, "0.02695738046", 0.026_957_380_464_359_215),
        ] {
            let b = erlang_b(servers, offered).unwrap();
            prints(b, printed);
            assert!(close(b, digits, 1e-12));
        }
    }

    #[test]
    fn m_g_1_waits_longer_the_more_service_varies() {
        // models B3 row 7: rho 0.8, mean 1: 0.8 (1 + cv2) / 0.4.
        for (cv2, wq) in [(0.0, 2.0), (0.25, 2.5), (1.0, 4.0), (4.0, 10.0), (16.0, 34.0)] {
            assert!(close(mg1_waiting(0.8, 1.0, cv2).unwrap(), wq, 1e-12));
        }
    }

    #[test]
    fn overload_and_nonsense_are_errors_and_never_infinite() {
        let overloaded = |r: Result<f64, QueueError>| matches!(r, Err(QueueError::Overloaded { load }) if load >= 1.0);
        assert!(overloaded(erlang_c(4, 4.0)) && overloaded(mmc_sojourn(2, 5.0, 2.0)) && overloaded(mg1_waiting(1.0, 1.0, 0.0)));
        assert!(overloaded(mm1_sojourn_quantile(1.0, 1.0, 0.5)));
        // Erlang B loses calls instead: four erlangs on two lines lose 8 / 13.
        assert!(close(erlang_b(2, 4.0).unwrap(), 8.0 / 13.0, 1e-15));
        let refused = |r: Result<f64, QueueError>| matches!(r, Err(QueueError::Argument(_)));
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(refused(erlang_b(2, bad)) && refused(erlang_c(2, bad)) && refused(mmc_waiting(2, bad, 1.0)));
            assert!(refused(mmc_waiting(2, 1.0, bad)) && refused(mg1_waiting(bad, 1.0, 1.0)) && refused(mg1_waiting(0.5, 1.0, bad)));
            assert!(refused(mg1_waiting(0.5, bad, 1.0)) && refused(mm1_sojourn_quantile(0.5, 1.0, bad)));
        }
        assert!(refused(erlang_c(0, 0.5)) && refused(mm1_sojourn_quantile(0.5, 1.0, 1.0)) && refused(mmc_waiting(1, 0.5, 0.0)));
        // A service so slow that its mean is no double.
        assert!(refused(mmc_sojourn(1, 0.0, 1e-320)));
    }

    #[test]
    fn without_arrivals_nobody_waits() {
        assert_eq!((erlang_b(0, 3.0), erlang_b(3, 0.0), erlang_c(3, 0.0)), (Ok(1.0), Ok(0.0), Ok(0.0)));
        assert_eq!((mmc_waiting(3, 0.0, 2.0), mmc_sojourn(3, 0.0, 2.0)), (Ok(0.0), Ok(0.5)));
    }

    proptest! {
        #[test]
        fn a_line_more_never_loses_more_and_more_traffic_never_loses_less(c in 1u32..80, a in 0.01f64..100.0, more in 0.0f64..10.0) {
            let b = erlang_b(c, a).unwrap();
            prop_assert!((0.0..=1.0).contains(&b));
            prop_assert!(erlang_b(c + 1, a).unwrap() <= b);
            prop_assert!(erlang_b(c, a + more).unwrap() >= b * (1.0 - 1e-14));
        }

        #[test]
        fn erlang_b_is_the_top_term_of_its_sum(c in 0u32..30, a in 0.01f64..50.0) {
            // B = (a^c / c!) / sum over k of a^k / k!.
            let (mut term, mut sum) = (1.0, 1.0);
            for k in 1..=c {
                term *= a / f64::from(k);
                sum += term;
            }
            prop_assert!(close(erlang_b(c, a).unwrap(), term / sum, 1e-12));
        }

        #[test]
        fn more_wait_than_would_be_lost(c in 1u32..60, rho in 0.01f64..0.999) {
            let a = rho * f64::from(c);
            let delayed = erlang_c(c, a).unwrap();
            prop_assert!(delayed >= erlang_b(c, a).unwrap() && delayed <= 1.0);
        }

        #[test]
        fn one_fast_server_beats_many_slow_ones_and_they_beat_separate_lines(c in 2u32..30, rho in 0.05f64..0.99) {
            let n = f64::from(c);
            let pooled = mmc_sojourn(c, rho * n, 1.0).unwrap();
            prop_assert!(mmc_sojourn(1, rho * n, n).unwrap() <= pooled);
            prop_assert!(pooled <= mmc_sojourn(1, rho, 1.0).unwrap());
        }

        #[test]
        fn exponential_service_makes_m_g_1_the_m_m_1(rho in 0.0f64..0.99, mean in 0.01f64..100.0) {
            prop_assert!(close(mg1_waiting(rho, mean, 1.0).unwrap(), mmc_waiting(1, rho / mean, 1.0 / mean).unwrap(), 1e-11));
        }

        #[test]
        fn half_the_customers_leave_within_ln_2_of_the_mean(rho in 0.0f64..0.99) {
            let median = mm1_sojourn_quantile(rho, 1.0, 0.5).unwrap();
            prop_assert!(close(median, std::f64::consts::LN_2 * mmc_sojourn(1, rho, 1.0).unwrap(), 1e-12));
        }
    }
}
