//! Two workloads for event lists: the hold model and M/M/1.

use models::quantity::Nanos;
use rand::Rng;
use sim::queue::Queue;
use std::collections::VecDeque;

/// What the workloads need of an event list. Events are whole numbers below 2^24, times are in ns.
pub trait EventList {
    /// Adds an event.
    fn push(&mut self, at: u64, event: u32);
    /// Takes the next event.
    fn pop(&mut self) -> Option<(u64, u32)>;
}

impl EventList for Queue<u32> {
    fn push(&mut self, at: u64, event: u32) {
        Queue::push(self, Nanos(at), event);
    }

    fn pop(&mut self) -> Option<(u64, u32)> {
        Queue::pop(self).map(|(at, event)| (at.0, event))
    }
}

/// Where 64 random bits come from.
pub trait Bits {
    /// The next 64.
    fn bits(&mut self) -> u64;
}

/// The generator of the simulator's named streams, whatever it is.
pub struct Stream<R>(pub R);

impl<R: Rng> Bits for Stream<R> {
    fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }
}

/// SplitMix64: eight bytes of state (Steele, Lea and Flood, OOPSLA 2014).
pub struct SplitMix(pub u64);

impl Bits for SplitMix {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }
}

/// An exponential span of this mean, from 53 bits.
fn exponential(bits: u64, mean_ns: f64) -> u64 {
    let uniform = ((bits >> 11) + 1) as f64 * (1.0 / (1u64 << 53) as f64);
    (-libm::log(uniform) * mean_ns) as u64
}

struct Process {
    bits: SplitMix,
    events: u64,
}

/// The hold model (PHOLD without remote events): each process always has one event pending; it counts the event, draws an
/// exponential gap of 1 ms on average and schedules its next.
pub struct Hold<Q> {
    queue: Q,
    processes: Vec<Process>,
}

impl<Q: EventList> Hold<Q> {
    /// `n` processes, each with its first event pending.
    pub fn new(mut queue: Q, n: u32) -> Self {
        let mut processes = Vec::new();
        for id in 0..n {
            let mut bits = SplitMix(u64::from(id) << 32);
            queue.push(exponential(bits.bits(), 1e6), id);
            processes.push(Process { bits, events: 0 });
        }
        Self { queue, processes }
    }

    /// Lets so many events happen, and returns the time of the last in ns: the same for every right event list.
    pub fn run(&mut self, events: u64) -> u64 {
        let mut now = 0;
        for _ in 0..events {
            let Some((at, id)) = self.queue.pop() else { break };
            let process = &mut self.processes[id as usize];
            process.events += 1;
            self.queue.push(at + exponential(process.bits.bits(), 1e6), id);
            now = at;
        }
        now
    }

    /// The sum of all processes' counts times their numbers: shows a wrong order of events.
    pub fn check(&self) -> u64 {
        self.processes.iter().enumerate().map(|(i, p)| p.events.wrapping_mul(i as u64)).fold(0, u64::wrapping_add)
    }
}

/// What happens in M/M/1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Customer {
    /// One arrives.
    Arrives,
    /// The one in service leaves.
    Departs,
}

/// An event list for M/M/1.
pub trait Customers {
    /// Adds an event.
    fn add(&mut self, at: u64, what: Customer);
    /// Takes the next event.
    fn next(&mut self) -> Option<(u64, Customer)>;
}

impl Customers for Queue<Customer> {
    fn add(&mut self, at: u64, what: Customer) {
        self.push(Nanos(at), what);
    }

    fn next(&mut self) -> Option<(u64, Customer)> {
        self.pop().map(|(at, what)| (at.0, what))
    }
}

impl Customers for crate::reference::Heap4 {
    fn add(&mut self, at: u64, what: Customer) {
        self.push(at, what as u32);
    }

    fn next(&mut self) -> Option<(u64, Customer)> {
        self.pop().map(|(at, what)| (at, if what == 0 { Customer::Arrives } else { Customer::Departs }))
    }
}

/// M/M/1 at a load of 0.9, first come first served, until `customers` have left: their mean time in the system, in mean
/// service times. Theory says 10.
pub fn mm1(mut events: impl Customers, mut arrivals: impl Bits, mut services: impl Bits, customers: u64) -> f64 {
    const SERVICE_NS: f64 = 1e6;
    let mut inside: VecDeque<u64> = VecDeque::with_capacity(1024);
    let (mut gone, mut total) = (0, 0u64);
    events.add(exponential(arrivals.bits(), SERVICE_NS / 0.9), Customer::Arrives);
    while gone < customers {
        let Some((now, what)) = events.next() else { break };
        match what {
            Customer::Arrives => {
                events.add(now + exponential(arrivals.bits(), SERVICE_NS / 0.9), Customer::Arrives);
                inside.push_back(now);
                if inside.len() == 1 {
                    events.add(now + exponential(services.bits(), SERVICE_NS), Customer::Departs);
                }
            }
            Customer::Departs => {
                if let Some(came) = inside.pop_front() {
                    total += now - came;
                    gone += 1;
                }
                if !inside.is_empty() {
                    events.add(now + exponential(services.bits(), SERVICE_NS), Customer::Departs);
                }
            }
        }
    }
    total as f64 / gone as f64 / SERVICE_NS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{Heap4, PlainLadder, Std};

    #[test]
    fn every_event_list_holds_the_same_events() {
        fn end(queue: impl EventList, n: u32) -> (u64, u64) {
            let mut hold = Hold::new(queue, n);
            (hold.run(300_000), hold.check())
        }
        for n in [100, 120_000] {
            let ours = end(Queue::new(), n);
            assert_eq!(ours, end(Heap4::default(), n));
            assert_eq!(ours, end(Std::default(), n));
            assert_eq!(ours, end(PlainLadder::default(), n));
        }
    }

    #[test]
    fn customers_stay_as_long_as_theory_says() {
        // 1 / (1 - 0.9) = 10 service times. A run of 200,000 customers strays by some 0.7 (correlated stays).
        let ours = mm1(Queue::new(), SplitMix(1), SplitMix(2), 200_000);
        assert!((8.0..12.0).contains(&ours), "{ours}");
        assert_eq!(ours, mm1(Heap4::default(), SplitMix(1), SplitMix(2), 200_000));
    }
}
