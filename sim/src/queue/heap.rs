//! A 4-ary heap of packed entries, least first.
//!
//! The four children of an entry are one cache line. What a line lacks is filled with an entry that is above all others, so a
//! step down has no special cases. Entries move into a hole instead of being swapped, so one is written once a level. `moved`
//! hears of each entry's new place, which is what an index of places needs; where nobody listens it costs nothing.
//!
//! Places are counted from [`ROOT`], so that four divides them into families: the children of place p are family p - 2.

/// The place of the least entry; those before it in its family stay empty.
pub(super) const ROOT: usize = 3;
/// Above every entry: no entry has the last slot.
const NONE: u128 = u128::MAX;

#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Family([u128; 4]);

/// The heap.
#[derive(Debug, Clone)]
pub(super) struct Heap {
    families: Vec<Family>,
    /// The place after the last.
    end: usize,
}

impl Heap {
    /// An empty heap with room for `n` entries.
    pub(super) fn with_capacity(n: usize) -> Self {
        Self { families: Vec::with_capacity(if n == 0 { 0 } else { (n + ROOT).div_ceil(4) }), end: ROOT }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.end - ROOT
    }

    /// The least entry.
    #[inline]
    pub(super) fn first(&self) -> Option<u128> {
        self.families.first().map(|family| family.0[ROOT])
    }

    /// The entry at a place.
    pub(super) fn get(&self, place: usize) -> Option<u128> {
        self.families.get(place / 4).map(|family| family.0[place % 4])
    }

    #[inline]
    fn set(&mut self, place: usize, entry: u128, moved: &mut impl FnMut(u128, usize)) {
        self.families[place / 4].0[place % 4] = entry;
        moved(entry, place);
    }

    /// Adds an entry: O(log n), and O(1) on average where entries come in random order.
    #[inline]
    pub(super) fn push(&mut self, entry: u128, moved: impl FnMut(u128, usize)) {
        let place = self.end;
        if place / 4 == self.families.len() {
            self.families.push(Family([NONE; 4]));
        }
        self.end += 1;
        self.sift_up(place, entry, moved);
    }

    /// Takes the entry at the last place, whichever that is. It need not be in order there.
    #[inline]
    pub(super) fn pop_last(&mut self) -> Option<u128> {
        if self.end == ROOT {
            return None;
        }
        self.end -= 1;
        let last = std::mem::replace(&mut self.families[self.end / 4].0[self.end % 4], NONE);
        if self.end.is_multiple_of(4) || self.end == ROOT {
            self.families.pop();
        }
        Some(last)
    }

    /// Puts `entry` in the stead of the one at `place`.
    pub(super) fn replace(&mut self, place: usize, entry: u128, moved: impl FnMut(u128, usize)) {
        if place > ROOT && entry < self.families[(place / 4 + 2) / 4].0[(place / 4 + 2) % 4] {
            self.sift_up(place, entry, moved);
        } else {
            self.sift_down(place, entry, moved);
        }
    }

    /// Puts `entry` at `place`, whose own entry is no longer wanted, or below it: O(log n), a cache line a level.
    #[inline]
    pub(super) fn sift_down(&mut self, mut place: usize, entry: u128, mut moved: impl FnMut(u128, usize)) {
        while let Some(&Family([a, b, c, d])) = self.families.get(place - 2) {
            let first = 4 * (place - 2);
            // Written so that it compiles without branches, which would be mispredicted.
            let left = if b < a { (b, first + 1) } else { (a, first) };
            let right = if d < c { (d, first + 3) } else { (c, first + 2) };
            let (least, child) = if right.0 < left.0 { right } else { left };
            if entry < least {
                break;
            }
            self.set(place, least, &mut moved);
            place = child;
        }
        self.set(place, entry, &mut moved);
    }

    /// Puts `entry` at `place`, whose own entry is no longer wanted, or above it.
    #[inline]
    fn sift_up(&mut self, mut place: usize, entry: u128, mut moved: impl FnMut(u128, usize)) {
        while place > ROOT {
            let parent = place / 4 + 2;
            let above = self.families[parent / 4].0[parent % 4];
            if above < entry {
                break;
            }
            self.set(place, above, &mut moved);
            place = parent;
        }
        self.set(place, entry, &mut moved);
    }

    /// All entries, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = u128> {
        self.families.iter().flat_map(|family| family.0).filter(|entry| *entry != NONE)
    }

    /// Drops all entries and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.families.clear();
        self.end = ROOT;
    }

    /// Drops the entries that are not to be kept: O(n).
    pub(super) fn retain(&mut self, keep: impl Fn(u128) -> bool) {
        let mut end = ROOT;
        for place in ROOT..self.end {
            let entry = self.families[place / 4].0[place % 4];
            if keep(entry) {
                self.families[end / 4].0[end % 4] = entry;
                end += 1;
            }
        }
        while self.end > end {
            self.pop_last();
        }
        for place in (ROOT..self.end).rev() {
            let entry = self.families[place / 4].0[place % 4];
            self.sift_down(place, entry, |_, _| ());
        }
    }

    /// Memory held, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.families.capacity() * size_of::<Family>()
    }
}
