//! An event costs no allocation once a queue has reached its size.

use models::quantity::Nanos;
use sim::queue::Queue;

/// Each event schedules the next, at uniform distances: `n` are always pending.
fn hold(queue: &mut Queue<u32>, events: usize) {
    let mut x = 1u64;
    for _ in 0..events {
        let (now, event) = queue.pop().expect("there are as many as ever");
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        queue.push(Nanos(now.0 + (x >> 44)), event);
    }
}

#[test]
fn a_million_events_grow_no_queue_of_steady_size() {
    for n in [10, 1000, 150_000] {
        let mut queue = Queue::new();
        for event in 0..n {
            queue.push(Nanos(u64::from(event) % 1000), event);
        }
        hold(&mut queue, 1_000_000);
        let held = queue.bytes();
        hold(&mut queue, 1_000_000);
        assert_eq!(queue.bytes(), held, "{n} pending");
    }
}
