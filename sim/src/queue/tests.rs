use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What is done to a queue; `which` picks one of the keys that were ever given out.
#[derive(Debug, Clone)]
enum Act {
    Push { after: u64 },
    Pop,
    Peek,
    Cancel { which: usize },
    Reschedule { which: usize, after: u64 },
}

/// Spans with many ties, and with outliers as far as the clock reaches.
fn span() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0..4u64, 8 => 0..1000u64, 4 => 0..1_000_000_000u64, 1 => Just(u64::MAX / 4), 1 => Just(u64::MAX)]
}

/// Phases of growing, of holding and of shrinking, so that small limits are crossed both ways.
fn acts() -> impl Strategy<Value = Vec<Act>> {
    let phase = (0..=4u32, 1..300usize).prop_flat_map(|(growth, length)| {
        let act = prop_oneof![
            1 + 2 * growth => span().prop_map(|after| Act::Push { after }),
            9 - 2 * growth => Just(Act::Pop),
            1 => Just(Act::Peek),
            2 => any::<usize>().prop_map(|which| Act::Cancel { which }),
            2 => (any::<usize>(), span()).prop_map(|(which, after)| Act::Reschedule { which, after }),
        ];
        prop::collection::vec(act, length)
    });
    prop::collection::vec(phase, 1..8).prop_map(|phases| phases.concat())
}

/// A sorted list of (time, arrival) does what the contract says, and nothing else.
fn same_as_a_sorted_list(acts: &[Act], spill: usize) {
    let mut queue = Queue::with_limits(0, spill);
    let mut list: BTreeMap<(Nanos, u64), usize> = BTreeMap::new();
    // Of each event, its key and place in the list; both go stale and are kept.
    let mut known: Vec<(Key, (Nanos, u64))> = Vec::new();
    let (mut now, mut arrivals) = (Nanos::ZERO, 0);
    for act in acts {
        match *act {
            Act::Push { after } => {
                arrivals += 1;
                let place = (Nanos(now.0.saturating_add(after)), arrivals);
                let key = queue.push(place.0, known.len());
                list.insert(place, known.len());
                known.push((key, place));
            }
            Act::Pop => {
                let expected = list.pop_first().map(|((at, _), event)| (at, event));
                now = expected.map_or(now, |(at, _)| at);
                assert_eq!(queue.pop(), expected);
            }
            Act::Peek => assert_eq!(queue.peek(), list.first_key_value().map(|(place, _)| *place)),
            Act::Cancel { which } if !known.is_empty() => {
                let (key, place) = known[which % known.len()];
                assert_eq!(queue.cancel(key), list.remove(&place));
            }
            Act::Reschedule { which, after } if !known.is_empty() => {
                let which = which % known.len();
                let (key, place) = known[which];
                let at = Nanos(now.0.saturating_add(after));
                let moved = queue.reschedule(key, at);
                assert_eq!(moved.is_some(), list.contains_key(&place));
                if let (Some(key), Some(event)) = (moved, list.remove(&place)) {
                    arrivals += 1;
                    list.insert((at, arrivals), event);
                    known[event] = (key, (at, arrivals));
                }
            }
            Act::Cancel { .. } | Act::Reschedule { .. } => {}
        }
        assert_eq!((queue.len(), queue.is_empty(), queue.now()), (list.len(), list.is_empty(), now));
        // Cancellation leaves entries behind, but never more than the live ones and the buckets.
        assert!(queue.dead <= queue.live + 32 + queue.ladder.buckets());
    }
    for ((at, _), event) in list {
        assert_eq!(queue.pop(), Some((at, event)));
    }
    assert_eq!(queue.pop(), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_heap_does_what_a_sorted_list_does(acts in acts()) {
        same_as_a_sorted_list(&acts, usize::MAX / 4);
    }

    #[test]
    fn a_queue_that_goes_to_the_ladder_and_back_does_what_a_sorted_list_does(acts in acts(), spill in 4..200usize) {
        same_as_a_sorted_list(&acts, spill);
    }

    #[test]
    fn timers_do_what_a_sorted_map_does(acts in prop::collection::vec((0..5u8, 0..20u32, 0..30u64), 1..400)) {
        let mut timers = Timers::new(20);
        let mut list: BTreeMap<(u64, u64), u32> = BTreeMap::new();
        for ((act, id, at), stamp) in acts.into_iter().zip(1..) {
            match act {
                0 => prop_assert_eq!(timers.pop(), list.pop_first().map(|((at, stamp), id)| (Nanos(at), stamp, id))),
                1 => {
                    timers.clear(id);
                    list.retain(|_, i| *i != id);
                }
                _ => {
                    timers.set(id, Nanos(at), stamp);
                    list.retain(|_, i| *i != id);
                    list.insert((at, stamp), id);
                }
            }
            prop_assert_eq!(timers.peek(), list.first_key_value().map(|((at, stamp), id)| (Nanos(*at), *stamp, *id)));
            for id in 0..20 {
                prop_assert_eq!(timers.at(id), list.iter().find(|(_, i)| **i == id).map(|((at, _), _)| Nanos(*at)));
            }
        }
    }
}

/// A cheap sequence of numbers below `below`.
fn draws(below: u64) -> impl FnMut() -> u64 {
    let mut x = 1u64;
    move || {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (x >> 33) % below
    }
}

#[test]
fn the_ladder_is_entered_and_left() {
    let mut queue = Queue::with_limits(0, 1000);
    let mut draw = draws(1_000_000);
    let mut in_use = || {
        queue.push(Nanos(draw()), ());
        queue.near_end < u128::MAX
    };
    // The heap holds 1000; the next begins the ladder.
    assert_eq!((0..3000).position(|_| in_use()), Some(1000));
    while !queue.is_empty() {
        queue.pop();
    }
    queue.push(queue.now(), ());
    queue.pop();
    assert_eq!((queue.peek(), queue.near_end), (None, u128::MAX));
}

#[test]
fn cut_again_and_again_a_crowd_leaves_in_order() {
    // Each thousand lies in a span a hundred times shorter or longer than the one before: one width would put nearly all
    // into its first bucket. 128 is the longest that is sorted at once.
    let widths = (0..6).map(|i| 10u64.pow(19 - 2 * i));
    for widths in [widths.clone().collect::<Vec<_>>(), widths.rev().collect()] {
        let mut queue = Queue::with_limits(0, 100);
        let mut all = Vec::new();
        for width in widths {
            let mut draw = draws(1 << 30);
            for _ in 0..1000 {
                let at = Nanos(((u128::from(draw()) * u128::from(width)) >> 30) as u64);
                queue.push(at, all.len());
                all.push((at, all.len()));
            }
        }
        all.sort_unstable();
        for event in all {
            assert_eq!(queue.pop(), Some(event));
            assert!(queue.run.len() <= 128, "{} were sorted at once", queue.run.len());
        }
    }
}

#[test]
fn a_hundred_thousand_events_of_one_instant_leave_in_order_of_arrival() {
    let mut queue = Queue::with_limits(0, 1000);
    for i in 0..100_000 {
        queue.push(Nanos(7), i);
    }
    assert!((0..100_000).all(|i| queue.pop() == Some((Nanos(7), i))));
}

#[test]
fn cancelled_events_leave_no_memory_behind() {
    // 1000 pending, each set anew 1000 times: a million dead entries, of which few are ever kept at once.
    let mut queue = Queue::with_limits(0, 500);
    let mut draw = draws(1_000_000);
    let mut keys: Vec<Key> = (0..1000).map(|i| queue.push(Nanos(draw()), i)).collect();
    for i in 0..1_000_000 {
        let key = &mut keys[i % 1000];
        *key = queue.reschedule(*key, Nanos(draw())).expect("it is pending");
    }
    assert_eq!(queue.len(), 1000);
    // Entries are 16 bytes, at most twice in number and twice in capacity; slots 24.
    assert!(queue.bytes() < 1000 * 250, "{}", queue.bytes());
}

#[test]
fn an_event_that_is_rescheduled_to_its_own_time_goes_behind_the_others() {
    let mut queue = Queue::new();
    let first = queue.push(Nanos(1), 'a');
    queue.push(Nanos(1), 'b');
    assert!(queue.reschedule(first, Nanos(1)).is_some());
    assert_eq!([queue.pop(), queue.pop()], [Some((Nanos(1), 'b')), Some((Nanos(1), 'a'))]);
}

#[test]
fn an_old_key_does_not_open_the_slots_next_event() {
    let mut queue = Queue::new();
    let old = queue.push(Nanos(1), 'a');
    queue.pop();
    let new = queue.push(Nanos(2), 'b');
    assert_eq!((old.0 & SLOT_MASK, queue.cancel(old)), (new.0 & SLOT_MASK, None));
    assert_eq!((queue.reschedule(old, Nanos(3)), queue.cancel(new)), (None, Some('b')));
}

#[test]
#[should_panic(expected = "the clock does not go back")]
fn an_event_in_the_past_is_refused() {
    let mut queue = Queue::new();
    queue.push(Nanos(5), ());
    queue.pop();
    queue.push(Nanos(4), ());
}

#[test]
#[should_panic(expected = "pass the next event")]
fn the_clock_does_not_pass_an_event() {
    let mut queue = Queue::new();
    queue.push(Nanos(5), ());
    queue.advance(Nanos(5));
    queue.advance(Nanos(6));
}

#[test]
#[should_panic(expected = "2^40 - 1 events may arrive")]
fn places_of_arrival_are_not_given_twice() {
    let mut queue = Queue::new();
    queue.arrived = ((1 << 40) - 2) << SLOT_BITS;
    assert_eq!(queue.stamp(), (1 << 40) - 1);
    queue.push(Nanos(0), ());
}
