//! Networks of stations: closed with a fixed number of customers, and open with Poisson arrivals.
//!
//! # Formula
//! Mean value analysis for the closed network, the traffic equations and a queue a station for the open one.
//!
//! # Range
//! Product form: exponential service at first-come-first-served stations, any service at processor sharing and at delay.
//!
//! # Source
//! Reiser and Lavenberg 1980; Jackson 1957 (fixtures: models B3, rows 11 and 12).
//!
//! # Error
//! Exact within its range.

use super::{QueueError, argument, at_least_one, finite, mmc_sojourn, nonnegative, positive};

/// A station of a closed network, by its demand: visits x mean service, in units of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Station {
    /// One server and a line.
    Queueing(f64),
    /// As many servers as customers: thinking, or a wait for others.
    Delay(f64),
}

/// The means of a closed network.
#[derive(Debug, Clone, PartialEq)]
pub struct Closed {
    /// Cycles completed a unit of time.
    pub throughput: f64,
    /// Mean time of a cycle spent at queueing stations.
    pub response: f64,
    /// Mean number of customers at each station, in the order of the question.
    pub number: Vec<f64>,
}

/// Exact mean value analysis of one class of `customers` (Reiser and Lavenberg 1980).
///
/// With n customers an arrival sees the means of n - 1: R_k = D_k (1 + Q_k(n-1)), X = n / (sum of R_k + Z), Q_k = X R_k.
/// Time grows with customers x stations.
///
/// ```
/// use models::law::queueing::{Station, mva};
/// // One station of 2 s, thinking 6 s, one customer: a cycle is 8 s.
/// assert_eq!(mva(&[Station::Queueing(2.0), Station::Delay(6.0)], 1)?.throughput, 0.125);
/// # Ok::<(), models::law::queueing::QueueError>(())
/// ```
///
/// # Errors
/// A demand that is negative or not finite, or none that is above zero: a cycle must take time.
pub fn mva(stations: &[Station], customers: u32) -> Result<Closed, QueueError> {
    let mut total = 0.0;
    for station in stations {
        let (Station::Queueing(demand) | Station::Delay(demand)) = *station;
        total += nonnegative("demand", demand)?;
    }
    positive("sum of demands", total)?;
    let mut number = vec![0.0; stations.len()];
    let (mut throughput, mut response) = (0.0, 0.0);
    for n in 1..=customers {
        let mut cycle = 0.0;
        response = 0.0;
        for (station, q) in stations.iter().zip(&mut number) {
            *q = match *station {
                Station::Queueing(demand) => demand * (1.0 + *q),
                Station::Delay(demand) => demand,
            };
            cycle += *q;
            if let Station::Queueing(_) = station {
                response += *q;
            }
        }
        throughput = finite(f64::from(n) / finite(cycle)?)?;
        number.iter_mut().for_each(|q| *q *= throughput);
    }
    Ok(Closed { throughput, response, number })
}

/// A node of an open network: equal servers and one line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Node {
    /// Servers, 1 or more.
    pub servers: u32,
    /// Customers that one server completes a unit of time: above 0.
    pub service_rate: f64,
}

/// The means of an open network, by node.
#[derive(Debug, Clone, PartialEq)]
pub struct Jackson {
    /// Customers through each node, a unit of time.
    pub throughput: Vec<f64>,
    /// Mean number at each node, waiting or served.
    pub number: Vec<f64>,
}

impl Jackson {
    /// Mean number in the network.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.number.iter().sum()
    }
}

/// An open network (Jackson 1957): each node is an M/M/c at the rate of the traffic equations.
///
/// lambda_j = `arrivals`_j + sum over i of lambda_i `routing`_ij, solved by elimination; what is left of a row of `routing`
/// to 1 is the share that leaves.
///
/// # Errors
/// Lists of different lengths, a rate or share that is not possible, a row above 1, a node from which nobody can ever
/// leave, or a node that is overloaded.
pub fn jackson(arrivals: &[f64], nodes: &[Node], routing: &[Vec<f64>]) -> Result<Jackson, QueueError> {
    let n = nodes.len();
    if arrivals.len() != n || routing.len() != n || routing.iter().any(|row| row.len() != n) {
        return Err(argument("network", format!("{n} nodes"), "arrivals, rows and columns of routing must be as many as nodes"));
    }
    for (rate, node) in arrivals.iter().zip(nodes) {
        nonnegative("arrival rate", *rate)?;
        positive("service rate", node.service_rate)?;
        at_least_one("number of servers", node.servers)?;
    }
    for share in routing.iter().flatten() {
        nonnegative("share of routing", *share)?;
    }
    everybody_can_leave(routing)?;
    let throughput = traffic(arrivals, routing)?;
    let mut number = Vec::with_capacity(n);
    for (i, (rate, node)) in throughput.iter().zip(nodes).enumerate() {
        number.push(match mmc_sojourn(node.servers, *rate, node.service_rate) {
            Ok(sojourn) => finite(rate * sojourn)?,
            Err(QueueError::Overloaded { load }) => return Err(QueueError::NodeOverloaded { node: i, load }),
            Err(other) => return Err(other),
        });
    }
    Ok(Jackson { throughput, number })
}

/// Tenths and thirds do not add to 1 exactly.
const ROUNDING: f64 = 1e-12;

/// From every node some way leads out; otherwise the traffic equations have no answer.
fn everybody_can_leave(routing: &[Vec<f64>]) -> Result<(), QueueError> {
    let mut leaves = Vec::with_capacity(routing.len());
    for row in routing {
        let sum: f64 = row.iter().sum();
        if sum > 1.0 + ROUNDING {
            return Err(argument("row of routing", sum, "its shares must add to at most 1"));
        }
        leaves.push(sum < 1.0 - ROUNDING);
    }
    // At most one round a node: each finds another one, or none is left to find.
    for _ in 0..routing.len() {
        for i in 0..routing.len() {
            leaves[i] = leaves[i] || routing[i].iter().zip(&leaves).any(|(share, out)| *share > 0.0 && *out);
        }
    }
    match leaves.iter().position(|out| !out) {
        Some(node) => Err(argument("routing", format!("node {node}"), "every customer must be able to leave in the end")),
        None => Ok(()),
    }
}

/// Solves (I - P') lambda = arrivals by elimination with the largest pivot of the column.
fn traffic(arrivals: &[f64], routing: &[Vec<f64>]) -> Result<Vec<f64>, QueueError> {
    let n = arrivals.len();
    let mut rows: Vec<Vec<f64>> =
        (0..n).map(|j| (0..n).map(|i| f64::from(u8::from(i == j)) - routing[i][j]).chain([arrivals[j]]).collect()).collect();
    for column in 0..n {
        let pivot = (column..n).max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs())).expect("rows are left");
        rows.swap(column, pivot);
        let (above, below) = rows.split_at_mut(column + 1);
        let top = &above[column];
        for row in below {
            let factor = row[column] / top[column];
            row.iter_mut().zip(top).skip(column).for_each(|(x, t)| *x -= factor * t);
        }
    }
    let mut rates = vec![0.0; n];
    for j in (0..n).rev() {
        let known: f64 = (j + 1..n).map(|i| rows[j][i] * rates[i]).sum();
        // A node that nobody visits may come out at minus a rounding error.
        rates[j] = finite((rows[j][n] - known) / rows[j][j])?.max(0.0);
    }
    Ok(rates)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{close, prints};
    use super::super::{erlang_b, mmc_sojourn};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn three_stations_and_a_second_of_thinking_have_the_means_of_the_table() {
        // models B3 row 11: D = 5, 8, 3 ms, Z = 1 s; the long digits are the recursion in 40 digits.
        let stations = [Station::Queueing(5e-3), Station::Queueing(8e-3), Station::Queueing(3e-3), Station::Delay(1.0)];
        let fifty = mva(&stations, 50).unwrap();
        prints(fifty.throughput, "48.878769");
        prints(fifty.response * 1e3, "22.939");
        assert!(close(fifty.throughput, 48.878_768_960_264_19, 1e-12) && close(fifty.response, 0.022_939_019_610_893_12, 1e-12));
        // The disk of 8 ms is full: 1 / 8 ms; and 200 / 125 - 1 s.
        let full = mva(&stations, 200).unwrap();
        prints(full.throughput, "125.0");
        prints(full.response * 1e3, "600.0");
        assert!(close(full.throughput, 124.999_999_804_419_47, 1e-12) && close(full.response, 0.600_000_002_503_430_9, 1e-11));
    }

    #[test]
    fn a_cycle_that_takes_no_time_is_refused_and_nobody_completes_nothing() {
        for bad in [&[][..], &[Station::Delay(0.0)], &[Station::Queueing(-1.0)], &[Station::Queueing(f64::NAN)]] {
            assert!(matches!(mva(bad, 3), Err(QueueError::Argument(_))));
        }
        assert_eq!(mva(&[Station::Queueing(1.0)], 0).unwrap(), Closed { throughput: 0.0, response: 0.0, number: vec![0.0] });
    }

    fn single(service_rate: f64) -> Node {
        Node { servers: 1, service_rate }
    }

    #[test]
    fn two_nodes_with_feedback_hold_the_mean_number_of_the_table() {
        // models B3 row 12: lambda1 = 1 + 0.5 lambda2, lambda2 = 0.6 lambda1: 1 / 0.7 and 0.6 / 0.7.
        // L = (10/21) / (11/21) + (12/35) / (23/35) = 10/11 + 12/23.
        let net = jackson(&[1.0, 0.0], &[single(3.0), single(2.5)], &[vec![0.0, 0.6], vec![0.5, 0.0]]).unwrap();
        prints(net.total(), "1.430830");
        assert!(close(net.total(), 10.0 / 11.0 + 12.0 / 23.0, 1e-12));
        assert!(close(net.throughput[0], 1.0 / 0.7, 1e-12) && close(net.throughput[1], 0.6 / 0.7, 1e-12));
    }

    #[test]
    fn the_node_that_is_overloaded_is_named() {
        let tandem = [vec![0.0, 1.0], vec![0.0, 0.0]];
        let jam = jackson(&[2.0, 0.0], &[single(3.0), single(1.0)], &tandem);
        assert_eq!(jam, Err(QueueError::NodeOverloaded { node: 1, load: 2.0 }));
    }

    #[test]
    fn a_network_that_cannot_be_is_refused() {
        let two = [single(3.0), single(3.0)];
        for (arrivals, nodes, routing) in [
            // A trap: who enters the second node stays for ever, though 0.7 + 0.1 + 0.1 + 0.1 is below 1 as a double.
            (vec![1.0, 0.0], &two[..], vec![vec![0.0, 0.5], vec![0.0, 0.7 + 0.1 + 0.1 + 0.1]]),
            (vec![1.0, 0.0], &two, vec![vec![0.0, 1.1], vec![0.0, 0.0]]),
            (vec![1.0, 0.0], &two, vec![vec![0.0, -0.1], vec![0.0, 0.0]]),
            (vec![1.0], &two, vec![vec![0.0, 0.0], vec![0.0, 0.0]]),
            (vec![1.0, 0.0], &two, vec![vec![0.0], vec![0.0, 0.0]]),
            (vec![f64::NAN], &two[..1], vec![vec![0.0]]),
            (vec![1.0], &[Node { servers: 0, service_rate: 3.0 }], vec![vec![0.0]]),
        ] {
            assert!(matches!(jackson(&arrivals, nodes, &routing), Err(QueueError::Argument(_))), "{arrivals:?} {routing:?}");
        }
    }

    fn station() -> impl Strategy<Value = Station> {
        (any::<bool>(), 0.01f64..5.0).prop_map(|(queue, d)| if queue { Station::Queueing(d) } else { Station::Delay(d) })
    }

    proptest! {
        #[test]
        fn throughput_stays_below_its_asymptotes_grows_and_nobody_is_lost(
            stations in prop::collection::vec(station(), 1..6), d in 0.01f64..5.0, n in 1u32..60,
        ) {
            let stations: Vec<Station> = stations.into_iter().chain([Station::Queueing(d)]).collect();
            let net = mva(&stations, n).unwrap();
            let (mut longest, mut cycle) = (0.0f64, 0.0);
            for s in &stations {
                if let Station::Queueing(d) = s { longest = longest.max(*d); }
                let (Station::Queueing(d) | Station::Delay(d)) = *s;
                cycle += d;
            }
            // X <= min(1 / Dmax, N / (sum D + Z)), and not less than with everybody before us in every line.
            prop_assert!(net.throughput <= (1.0 / longest).min(f64::from(n) / cycle) * (1.0 + 1e-12));
            prop_assert!(net.throughput >= 1.0 / cycle * (1.0 - 1e-12));
            prop_assert!(close(net.number.iter().sum(), f64::from(n), 1e-12));
            prop_assert!(mva(&stations, n + 1).unwrap().throughput >= net.throughput * (1.0 - 1e-12));
        }

        #[test]
        fn one_repairman_is_erlangs_loss(n in 1u32..60, d in 0.01f64..5.0, z in 0.1f64..20.0) {
            // The station is idle when all n think: Erlang B of n lines with z / d erlangs, by the same weights.
            let idle = erlang_b(n, z / d).unwrap();
            let net = mva(&[Station::Queueing(d), Station::Delay(z)], n).unwrap();
            prop_assert!((net.throughput * d - (1.0 - idle)).abs() < 1e-11);
        }

        #[test]
        fn a_tandem_is_its_queues_one_by_one(rate in 0.01f64..0.9, mu in prop::collection::vec(1.0f64..4.0, 1..6), servers in 1u32..4) {
            let n = mu.len();
            let nodes: Vec<Node> = mu.iter().map(|m| Node { servers, service_rate: *m }).collect();
            let routing: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| if j == i + 1 { 1.0 } else { 0.0 }).collect()).collect();
            let arrivals: Vec<f64> = (0..n).map(|i| if i == 0 { rate } else { 0.0 }).collect();
            let expected: f64 = mu.iter().map(|m| rate * mmc_sojourn(servers, rate, *m).unwrap()).sum();
            prop_assert!(close(jackson(&arrivals, &nodes, &routing).unwrap().total(), expected, 1e-12));
        }

        #[test]
        fn traffic_balances_at_every_node(
            n in 1usize..7, shares in prop::collection::vec(0.0f64..1.0, 49), arrivals in prop::collection::vec(0.0f64..1.0, 7),
        ) {
            // Rows that add to 0.9 at most: what enters a node is at most the arrivals of all x 10.
            let routing: Vec<Vec<f64>> = (0..n).map(|i| {
                let row = &shares[i * n..(i + 1) * n];
                let sum = row.iter().sum::<f64>().max(1.0);
                row.iter().map(|s| 0.9 * s / sum).collect()
            }).collect();
            let nodes = vec![single(100.0); n];
            let net = jackson(&arrivals[..n], &nodes, &routing).unwrap();
            for j in 0..n {
                let inflow = arrivals[j] + (0..n).map(|i| net.throughput[i] * routing[i][j]).sum::<f64>();
                prop_assert!((net.throughput[j] - inflow).abs() < 1e-12 * (1.0 + inflow));
            }
            // What enters leaves.
            let out: f64 = (0..n).map(|i| net.throughput[i] * (1.0 - routing[i].iter().sum::<f64>())).sum();
            prop_assert!(close(out, arrivals[..n].iter().sum(), 1e-11));
        }
    }
}
