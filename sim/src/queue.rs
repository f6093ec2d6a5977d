//! Events in order of time; ties in order of arrival.
//!
//! The contract of [`Queue`]:
//!
//! - Events leave in order of time. Those of one instant leave in the order in which they arrived; an event that is
//!   rescheduled arrives anew. Nothing else decides, so a run is the same on every machine.
//! - The clock never goes back: an event before [`Queue::now`] is refused by a panic, in every build.
//! - A [`Key`] is of one event for ever. Once the event has left or was cancelled, its key opens nothing.
//!
//! What it costs, for n pending events:
//!
//! | | up to 2000 pending | beyond |
//! |---|---|---|
//! | `push`, `reschedule` | O(log n), O(1) on average | O(1) amortised |
//! | `pop`, `peek` | O(log n) | O(1) amortised |
//! | `cancel` | O(1) amortised | O(1) amortised |
//!
//! A pop and the push that follows it, as most events do, are one pass through the heap. Memory is at most in proportion to the
//! greatest number that was ever pending, and once it has grown to that, nothing is allocated.
//!
//! An entry is 16 bytes that compare as one number: the time in ns, the place in the order of arrival (40 bits) and the slot
//! where the event is kept (24 bits). A small queue is a 4-ary heap. In a large one a heap's path is long and leaves the caches, so
//! later events wait unsorted in a ladder of buckets, only those of the next bucket are sorted, and the heap has what comes
//! before them. A cancelled event leaves its slot
//! at once and its entry later: the entry's place of arrival is no longer the slot's.
//!
//! Limits: 2^24 events (16.7 million) may be pending, and 2^40 (1.1 * 10^12) may arrive in one queue's life. Beyond either it
//! panics and says so; renumbering would have to reach the stamps in [`Timers`] too.
//!
//! It knows no domain, and leaves out priorities among the events of one instant.

mod heap;
mod ladder;
mod timers;

pub use timers::Timers;

use heap::{Heap, ROOT};
use ladder::Ladder;
use models::quantity::Nanos;

const SLOT_BITS: u32 = 24;
const SLOT_MASK: u64 = (1 << SLOT_BITS) - 1;
/// One more arrival, in a tag.
const ARRIVAL: u64 = 1 << SLOT_BITS;
/// No free slot. As a tag it is of no event: places of arrival begin at 1.
const NO_SLOT: u64 = SLOT_MASK;

/// More entries than this in the heap go to the ladder. In the hold model both are level at 1000 pending; the ladder is 1.2 times
/// as fast at 2000 and 1.7 times at 10^5.
const SPILL: usize = 2_000;

/// An entry: time, and a tag of place of arrival and slot.
#[inline]
fn pack(at: Nanos, tag: u64) -> u128 {
    u128::from(at.0) << 64 | u128::from(tag)
}
#[inline]
fn time_of(entry: u128) -> Nanos {
    Nanos((entry >> 64) as u64)
}
#[inline]
fn tag_of(entry: u128) -> u64 {
    entry as u64
}
#[inline]
fn stamp_of(entry: u128) -> u64 {
    tag_of(entry) >> SLOT_BITS
}
#[inline]
fn slot_of(entry: u128) -> usize {
    (tag_of(entry) & SLOT_MASK) as usize
}

/// Names one pending event, for [`Queue::cancel`] and [`Queue::reschedule`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(u64);

/// Where an event is kept while it is pending.
struct Slot<E> {
    /// The tag of the event's entry; of a free slot, the next free one.
    tag: u64,
    event: Option<E>,
}

/// Pending events in order of time, ties in order of arrival. [The module](self) has the contract.
///
/// ```
/// use models::quantity::Nanos;
/// use sim::queue::Queue;
///
/// let mut queue = Queue::new();
/// let late = queue.push(Nanos(30), "late");
/// queue.push(Nanos(20), "first");
/// queue.push(Nanos(20), "second");
/// assert_eq!(queue.pop(), Some((Nanos(20), "first")));
/// let late = queue.reschedule(late, Nanos(20)).unwrap();
/// assert_eq!(queue.pop(), Some((Nanos(20), "second")));
/// assert_eq!(queue.cancel(late), Some("late"));
/// assert_eq!(queue.pop(), None);
/// ```
pub struct Queue<E> {
    now: Nanos,
    /// The place of the last arrival, in a tag.
    arrived: u64,
    slots: Vec<Slot<E>>,
    /// The first free slot.
    free: u64,
    live: usize,
    /// Entries whose events were cancelled or rescheduled.
    dead: usize,
    /// Entries below `near_end` that came after their window was sorted; in a small queue, all.
    heap: Heap,
    /// The least entry of the heap has left: the next push takes its place.
    hole: bool,
    /// The window that was sorted last: its entries from `run_at` on are pending.
    run: Vec<u128>,
    run_at: usize,
    /// Entries from here on are in the ladder.
    near_end: u128,
    ladder: Ladder,
    /// More entries than this in the heap are one too many.
    heap_max: usize,
    spill: usize,
}

impl<E> std::fmt::Debug for Queue<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("now", &self.now).field("len", &self.live).finish_non_exhaustive()
    }
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> Queue<E> {
    /// Nothing is pending, and it is time 0.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(0)
    }

    /// Like [`Self::new`], with room for `n` pending events.
    #[must_use]
    pub fn with_capacity(n: usize) -> Self {
        Self::with_limits(n, SPILL)
    }

    /// `spill` is where the ladder begins.
    fn with_limits(n: usize, spill: usize) -> Self {
        Self {
            now: Nanos::ZERO,
            arrived: 0,
            slots: Vec::with_capacity(n),
            free: NO_SLOT,
            live: 0,
            dead: 0,
            heap: Heap::with_capacity(n.min(spill + 1)),
            hole: false,
            run: Vec::new(),
            run_at: 0,
            near_end: u128::MAX,
            // Far below the number that begins it, so that a queue about that size does not go to and fro.
            ladder: Ladder::new(spill / 4),
            heap_max: spill,
            spill,
        }
    }

    /// Adds an event.
    ///
    /// # Panics
    /// Where `at` is before [`Self::now`]; where 2^24 - 1 events are pending, or 2^40 - 1 have arrived.
    #[inline]
    pub fn push(&mut self, at: Nanos, event: E) -> Key {
        self.check(at);
        let arrival = self.arrive();
        let slot = self.free;
        let tag = if let Some(place) = self.slots.get_mut(slot as usize) {
            let tag = arrival | slot;
            self.free = place.tag;
            *place = Slot { tag, event: Some(event) };
            tag
        } else {
            self.push_slot(arrival, event)
        };
        self.live += 1;
        self.place(pack(at, tag));
        Key(tag)
    }

    /// Takes the next event, with its time, which is now.
    #[inline]
    pub fn pop(&mut self) -> Option<(Nanos, E)> {
        loop {
            let entry = self.take_first()?;
            let slot = &mut self.slots[slot_of(entry)];
            if slot.tag == tag_of(entry) {
                slot.tag = self.free;
                self.free = slot_of(entry) as u64;
                self.live -= 1;
                self.now = time_of(entry);
                return slot.event.take().map(|event| (time_of(entry), event));
            }
            self.dead -= 1;
        }
    }

    /// When the next event is, and its stamp, to be compared with that of a timer.
    #[inline]
    pub fn peek(&mut self) -> Option<(Nanos, u64)> {
        loop {
            let (entry, from_heap) = self.first()?;
            if self.slots[slot_of(entry)].tag == tag_of(entry) {
                return Some((time_of(entry), stamp_of(entry)));
            }
            self.dead -= 1;
            self.skip(from_heap);
        }
    }

    /// Takes an event out before its time; `None` where it has happened or was cancelled.
    pub fn cancel(&mut self, key: Key) -> Option<E> {
        let slot = self.slots.get_mut((key.0 & SLOT_MASK) as usize).filter(|s| s.tag == key.0)?;
        slot.tag = self.free;
        let event = slot.event.take();
        self.free = key.0 & SLOT_MASK;
        self.live -= 1;
        self.bury();
        event
    }

    /// Moves an event to another time, as if it arrived anew; `None` where it has happened or was cancelled.
    ///
    /// # Panics
    /// Like [`Self::push`].
    pub fn reschedule(&mut self, key: Key, at: Nanos) -> Option<Key> {
        let slot = (key.0 & SLOT_MASK) as usize;
        self.slots.get(slot).filter(|s| s.tag == key.0)?;
        self.check(at);
        let tag = self.arrive() | slot as u64;
        self.slots[slot].tag = tag;
        self.place(pack(at, tag));
        self.bury();
        Some(Key(tag))
    }

    /// Takes the next place in the order of arrival, for a timer.
    ///
    /// # Panics
    /// Where 2^40 - 1 places have been taken.
    #[inline]
    pub fn stamp(&mut self) -> u64 {
        self.arrive() >> SLOT_BITS
    }

    /// Moves the clock to an instant at which something other than an event happens, such as a timer's ringing.
    ///
    /// # Panics
    /// Where `to` is before [`Self::now`], or after the next event.
    pub fn advance(&mut self, to: Nanos) {
        self.check(to);
        assert!(self.peek().is_none_or(|(next, _)| to <= next), "the clock would pass the next event on its way to {} ns", to.0);
        self.now = to;
    }

    /// The time of the last event that left.
    #[must_use]
    pub fn now(&self) -> Nanos {
        self.now
    }

    /// How many events are pending.
    #[must_use]
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether no event is pending.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// The memory held, in bytes. It grows with the number of pending events and not with the number that passes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot<E>>() + self.heap.bytes() + self.run.capacity() * size_of::<u128>() + self.ladder.bytes()
    }

    #[inline]
    fn check(&self, at: Nanos) {
        assert!(at >= self.now, "an event at {} ns, but it is {} ns: the clock does not go back", at.0, self.now.0);
    }

    #[inline]
    fn arrive(&mut self) -> u64 {
        self.arrived = self.arrived.checked_add(ARRIVAL).expect("at most 2^40 - 1 events may arrive in one queue's life");
        self.arrived
    }

    #[cold]
    fn push_slot(&mut self, arrival: u64, event: E) -> u64 {
        let slot = self.slots.len() as u64;
        assert!(slot < NO_SLOT, "at most 2^24 - 1 events may be pending in one queue");
        let tag = arrival | slot;
        self.slots.push(Slot { tag, event: Some(event) });
        tag
    }

    /// Puts an entry where its time belongs.
    #[inline]
    fn place(&mut self, entry: u128) {
        if entry >= self.near_end {
            self.ladder.push(entry);
        } else if self.hole {
            self.hole = false;
            self.heap.sift_down(ROOT, entry, |_, _| ());
        } else {
            self.heap.push(entry, |_, _| ());
            if self.heap.len() > self.heap_max {
                self.spill();
            }
        }
    }

    /// The least entry, dead or alive, and whether it is the heap's.
    #[inline]
    fn first(&mut self) -> Option<(u128, bool)> {
        if self.hole {
            self.close_hole();
        }
        loop {
            match (self.run.get(self.run_at), self.heap.first()) {
                (None, Some(b)) => return Some((b, true)),
                (Some(&a), Some(b)) => return Some(if a < b { (a, false) } else { (b, true) }),
                (Some(&a), None) => return Some((a, false)),
                (None, None) if self.near_end == u128::MAX => return None,
                (None, None) => self.refill(),
            }
        }
    }

    /// Leaves the entry behind that [`Self::first`] found.
    #[inline]
    fn skip(&mut self, from_heap: bool) {
        if from_heap {
            self.hole = true;
        } else {
            self.run_at += 1;
        }
    }

    #[inline]
    fn take_first(&mut self) -> Option<u128> {
        let (entry, from_heap) = self.first()?;
        self.skip(from_heap);
        Some(entry)
    }

    /// Fills the hole at the heap's root with its last entry.
    #[inline]
    fn close_hole(&mut self) {
        self.hole = false;
        if let Some(last) = self.heap.pop_last()
            && self.heap.len() > 0
        {
            self.heap.sift_down(ROOT, last, |_, _| ());
        }
    }

    /// Sorts the ladder's next window. All entries' slots are looked at in one go, so that their cache misses overlap.
    fn refill(&mut self) {
        self.run.clear();
        self.run_at = 0;
        self.heap_max = self.spill;
        self.near_end = self.ladder.next(&mut self.run);
        let all = self.run.len();
        let slots = &self.slots;
        self.run.retain(|&e| slots[slot_of(e)].tag == tag_of(e));
        self.dead -= all - self.run.len();
        self.run.sort_unstable();
    }

    /// Gives the near entries to the ladder, now that they are many.
    #[cold]
    fn spill(&mut self) {
        let run = &self.run[self.run_at..];
        // Where the sorted rest is longer than what has come since, moving it would not pay.
        let near_end =
            if run.len() > self.heap.len() { None } else { self.ladder.pour(self.heap.iter().chain(run.iter().copied()), self.near_end) };
        if let Some(near_end) = near_end {
            self.near_end = near_end;
            self.heap.clear();
            self.run.clear();
            self.run_at = 0;
            self.heap_max = self.spill;
        } else {
            self.heap_max = 2 * self.heap.len();
        }
    }

    /// Counts one more dead entry, and drops them all where they outnumber the live ones and the buckets to be searched.
    fn bury(&mut self) {
        self.dead += 1;
        if self.dead > self.live + 32 && self.dead > self.live + self.ladder.buckets() {
            self.drop_dead();
        }
    }

    #[cold]
    fn drop_dead(&mut self) {
        if self.hole {
            self.close_hole();
        }
        let slots = &self.slots;
        let live = |entry: u128| slots[slot_of(entry)].tag == tag_of(entry);
        self.run.drain(..self.run_at);
        self.run_at = 0;
        self.run.retain(|e| live(*e));
        self.ladder.retain(live);
        self.heap.retain(live);
        self.dead = 0;
    }
}

#[cfg(test)]
mod tests;
