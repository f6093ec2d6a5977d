//! Alarms, one an entity, that are set anew more often than they ring.

use super::heap::{Heap, ROOT};
use super::{SLOT_BITS, pack, slot_of, stamp_of, time_of};
use models::quantity::Nanos;

/// Not in the heap.
const NOWHERE: u32 = u32::MAX;

/// One alarm an entity, the least first; ties in order of their stamps.
///
/// An indexed 4-ary heap: it knows the place of each entity's alarm, so setting one anew moves it instead of leaving a dead one
/// behind. `set`, `clear` and `pop` are O(log n) for n alarms that are set, `peek` and `at` O(1). Nothing is allocated after
/// [`Timers::new`].
///
/// Stamps come from [`Queue::stamp`](super::Queue::stamp), so that alarms and events have one order of arrival:
///
/// ```
/// use models::quantity::Nanos;
/// use sim::queue::{Queue, Timers};
///
/// let (mut queue, mut timers) = (Queue::new(), Timers::new(2));
/// timers.set(1, Nanos(5), queue.stamp());
/// queue.push(Nanos(5), "event");
/// let event = queue.peek().unwrap();
/// let alarm = timers.peek().unwrap();
/// assert!((alarm.0, alarm.1) < event);
/// ```
#[derive(Debug, Clone)]
pub struct Timers {
    heap: Heap,
    /// The place of each entity's alarm in `heap`.
    place: Vec<u32>,
}

impl Timers {
    /// No alarm is set, for entities 0 to `entities` - 1.
    ///
    /// # Panics
    /// Above 2^24 entities.
    #[must_use]
    pub fn new(entities: usize) -> Self {
        assert!(entities <= 1 << SLOT_BITS, "{entities} entities with timers: at most 2^{SLOT_BITS} can be told apart");
        Self { heap: Heap::with_capacity(entities), place: vec![NOWHERE; entities] }
    }

    /// Sets the alarm of `id`, in place of the one that may be set.
    ///
    /// # Panics
    /// Where `id` is not below the number of entities, or `stamp` is 2^40 or more.
    pub fn set(&mut self, id: u32, at: Nanos, stamp: u64) {
        assert!(stamp < 1 << (64 - SLOT_BITS), "stamp {stamp} has more than {} bits", 64 - SLOT_BITS);
        let entry = pack(at, stamp << SLOT_BITS | u64::from(id));
        let Self { heap, place } = self;
        let old = place[id as usize];
        let moved = |e: u128, i: usize| place[slot_of(e)] = i as u32;
        if old == NOWHERE { heap.push(entry, moved) } else { heap.replace(old as usize, entry, moved) }
    }

    /// Clears the alarm of `id`, if one is set.
    ///
    /// # Panics
    /// Where `id` is not below the number of entities.
    pub fn clear(&mut self, id: u32) {
        let at = std::mem::replace(&mut self.place[id as usize], NOWHERE);
        if at != NOWHERE {
            self.remove(at as usize);
        }
    }

    /// The next alarm: its time, stamp and entity.
    #[must_use]
    pub fn peek(&self) -> Option<(Nanos, u64, u32)> {
        self.heap.first().map(|e| (time_of(e), stamp_of(e), slot_of(e) as u32))
    }

    /// Takes the next alarm: its time, stamp and entity.
    pub fn pop(&mut self) -> Option<(Nanos, u64, u32)> {
        let next = self.peek()?;
        self.place[next.2 as usize] = NOWHERE;
        self.remove(ROOT);
        Some(next)
    }

    /// When the alarm of `id` is set for.
    ///
    /// # Panics
    /// Where `id` is not below the number of entities.
    #[must_use]
    pub fn at(&self, id: u32) -> Option<Nanos> {
        self.heap.get(self.place[id as usize] as usize).map(time_of)
    }

    /// Closes the gap at a place of the heap whose entity has been told already.
    fn remove(&mut self, at: usize) {
        let Self { heap, place } = self;
        if let Some(last) = heap.pop_last()
            && at < heap.len() + ROOT
        {
            heap.replace(at, last, |e, i| place[slot_of(e)] = i as u32);
        }
    }
}
