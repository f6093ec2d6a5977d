//! Far events: a ladder of rungs of buckets, after Tang, Goh and Thng, "Ladder queue: An O(1) priority queue structure for
//! large-scale discrete event simulation", ACM TOMACS 15(3), 2005.
//!
//! A rung cuts a stretch of time into buckets of equal width; what falls into a bucket is left unsorted until its time comes.
//! A bucket that is then still crowded is cut again: a finer rung below. Two things differ from the paper. A rung's last
//! bucket has no width but reaches to the end of the rung's stretch, so the paper's "top" is merely the last bucket of the
//! first rung. And a rung's width follows from the mean distance of its entries instead of the farthest, so one event in a
//! year's time does not coarsen the rest: by Markov's inequality at most two in seven entries are left to the last bucket.
//!
//! Buckets are chains of blocks from one store, so that nothing is allocated once the store has reached its size.

/// Entries a block. Blocks of two cache lines waste little where buckets hold few.
const BLOCK: usize = 8;
/// A rung's width is chosen for at most so many entries in its first bucket, where they come at exponential distances.
const CROWD: u128 = 32;
/// A bucket of more entries than this is cut again instead of sorted.
const CROWDED: usize = 4 * CROWD as usize;
/// A rung covers this many mean distances; its last bucket has the rest.
const COVER: u128 = 4;
/// Where the ladder is this deep, a bucket is sorted however crowded it is.
const DEPTH: usize = 8;

/// The end of a chain.
const NIL: u32 = u32::MAX;

/// A chain of blocks, all full but the first.
#[derive(Clone, Copy)]
struct Bucket {
    head: u32,
    len: u32,
}

impl Bucket {
    const EMPTY: Self = Self { head: NIL, len: 0 };
}

/// Where the blocks of all buckets are kept.
struct Store {
    blocks: Vec<[u128; BLOCK]>,
    /// The next block of the same chain, or of the free ones.
    next: Vec<u32>,
    free: u32,
}

impl Store {
    #[inline]
    fn append(&mut self, bucket: &mut Bucket, entry: u128) {
        let at = bucket.len as usize % BLOCK;
        if at == 0 {
            let block = self.free;
            if block == NIL {
                let new = u32::try_from(self.blocks.len()).expect("fewer blocks than entries, and those have 25 bits");
                self.blocks.push([entry; BLOCK]);
                self.next.push(bucket.head);
                bucket.head = new;
            } else {
                self.free = std::mem::replace(&mut self.next[block as usize], bucket.head);
                bucket.head = block;
            }
        }
        self.blocks[bucket.head as usize][at] = entry;
        bucket.len += 1;
    }

    /// Takes a bucket's first block off it: the block, and how many entries it holds.
    #[inline]
    fn take(&mut self, bucket: &mut Bucket) -> Option<([u128; BLOCK], usize)> {
        let block = bucket.head as usize;
        let entries = *self.blocks.get(block)?;
        let filled = (bucket.len as usize - 1) % BLOCK + 1;
        bucket.head = std::mem::replace(&mut self.next[block], self.free);
        self.free = block as u32;
        bucket.len -= filled as u32;
        Some((entries, filled))
    }
}

/// One stretch of time in buckets.
struct Rung {
    /// Where the first bucket begins, in ns.
    start: u64,
    /// A bucket is 2^shift ns wide.
    shift: u32,
    /// The first bucket that has not been taken.
    current: usize,
    buckets: Vec<Bucket>,
    /// Entries below this belong here or deeper.
    end: u128,
}

/// The least entry of an instant; past the last instant, what no entry reaches.
fn bound(ns: u128) -> u128 {
    if ns > u128::from(u64::MAX) { u128::MAX } else { ns << 64 }
}

/// Far entries, in windows of time.
pub(super) struct Ladder {
    /// The first `depth` are in use, the coarsest first; the rest keep their memory.
    rungs: Vec<Rung>,
    depth: usize,
    store: Store,
    /// At most so many entries left to the last bucket of all leave the ladder at once.
    low: usize,
}

impl Ladder {
    /// A ladder that is given up where at most `low` entries are left in its last bucket.
    pub(super) fn new(low: usize) -> Self {
        Self { rungs: Vec::new(), depth: 0, store: Store { blocks: Vec::new(), next: Vec::new(), free: NIL }, low }
    }

    /// Takes one entry, which must not be below the last bound that was returned. O(1): one step a rung.
    #[inline]
    pub(super) fn push(&mut self, entry: u128) {
        for rung in self.rungs[..self.depth].iter_mut().rev() {
            if entry < rung.end {
                let i = ((((entry >> 64) as u64) - rung.start) >> rung.shift) as usize;
                let i = i.min(rung.buckets.len() - 1);
                return self.store.append(&mut rung.buckets[i], entry);
            }
        }
        unreachable!("the first rung has no end, and there is one while the near end is finite");
    }

    /// Takes many entries, all before `end`, as a new deepest rung, and returns the bound below which it has nothing; `None`
    /// (and no entry is taken) where the ladder is at its full depth or all entries are of one instant.
    pub(super) fn pour(&mut self, entries: impl Iterator<Item = u128>, end: u128) -> Option<u128> {
        if self.depth == DEPTH {
            return None;
        }
        let mut all = Bucket::EMPTY;
        entries.for_each(|e| self.store.append(&mut all, e));
        let (start, mean) = self.shape(all);
        if mean == 0 {
            while self.store.take(&mut all).is_some() {}
            return None;
        }
        self.cut(all, start, mean, end);
        Some(bound(u128::from(start)))
    }

    /// Moves the entries of the next window to `out`, unsorted, and returns the bound below which the ladder has nothing
    /// more: `u128::MAX` where it is empty.
    pub(super) fn next(&mut self, out: &mut Vec<u128>) -> u128 {
        loop {
            let Some(rung) = self.rungs[..self.depth].last_mut() else { return u128::MAX };
            let taken = rung.buckets[rung.current..].iter().position(|b| b.len > 0).map(|skipped| rung.current + skipped);
            let Some(taken) = taken else {
                self.depth -= 1;
                if self.depth == 0 {
                    return u128::MAX;
                }
                continue;
            };
            let mut bucket = std::mem::replace(&mut rung.buckets[taken], Bucket::EMPTY);
            rung.current = taken + 1;
            // Only the last reaches beyond its width; the others' ends are within the rung's.
            let last = rung.current == rung.buckets.len();
            let after = u128::from(rung.start) + ((rung.current as u128) << rung.shift);
            let end = if last { rung.end } else { bound(after) };
            if last {
                self.depth -= 1;
            }
            let crowded = if end == u128::MAX { self.low.max(CROWDED) } else { CROWDED };
            if bucket.len as usize > crowded && self.depth < DEPTH {
                let (start, mean) = self.shape(bucket);
                if mean > 0 {
                    self.cut(bucket, start, mean, end);
                    continue;
                }
            }
            while let Some((block, filled)) = self.store.take(&mut bucket) {
                out.extend_from_slice(&block[..filled]);
            }
            return end;
        }
    }

    /// The least time of a bucket's entries, and their mean distance from it, in ns, rounded up.
    fn shape(&self, bucket: Bucket) -> (u64, u64) {
        let (mut least, mut sum) = (u64::MAX, 0u128);
        let (mut block, mut left) = (bucket.head, bucket.len as usize);
        while left > 0 {
            let filled = (left - 1) % BLOCK + 1;
            for entry in &self.store.blocks[block as usize][..filled] {
                let ns = (entry >> 64) as u64;
                least = least.min(ns);
                sum += u128::from(ns);
            }
            left -= filled;
            block = self.store.next[block as usize];
        }
        let n = u128::from(bucket.len);
        (least, (sum - n * u128::from(least)).div_ceil(n.max(1)) as u64)
    }

    /// Makes a rung of a bucket's entries, all before `end`; `start` and `mean` are its [`Self::shape`], `mean` not 0.
    fn cut(&mut self, mut bucket: Bucket, start: u64, mean: u64, end: u128) {
        let mean = u128::from(mean);
        // At most half the mean, so that there are two buckets at least and the least entry is not in the last.
        let width = (mean * CROWD / u128::from(bucket.len)).clamp(1, (mean / 2).max(1));
        let shift = width.ilog2();
        let span = ((end - 1) >> 64) - u128::from(start);
        let count = ((mean * COVER).min(span) >> shift) as usize + 1;
        if self.depth == self.rungs.len() {
            self.rungs.push(Rung { start, shift, current: 0, buckets: Vec::new(), end });
        }
        let rung = &mut self.rungs[self.depth];
        (rung.start, rung.shift, rung.current, rung.end) = (start, shift, 0, end);
        rung.buckets.clear();
        rung.buckets.resize(count, Bucket::EMPTY);
        while let Some((block, filled)) = self.store.take(&mut bucket) {
            for &entry in &block[..filled] {
                let i = ((((entry >> 64) as u64) - start) >> shift) as usize;
                self.store.append(&mut rung.buckets[i.min(count - 1)], entry);
            }
        }
        self.depth += 1;
    }

    /// Drops the entries that are not to be kept. O(entries + buckets).
    pub(super) fn retain(&mut self, keep: impl Fn(u128) -> bool) {
        for rung in &mut self.rungs[..self.depth] {
            for place in rung.buckets[rung.current..].iter_mut().filter(|b| b.len > 0) {
                let mut old = std::mem::replace(place, Bucket::EMPTY);
                while let Some((block, filled)) = self.store.take(&mut old) {
                    block[..filled].iter().filter(|e| keep(**e)).for_each(|e| self.store.append(place, *e));
                }
            }
        }
    }

    /// Buckets that a scan may have to pass.
    pub(super) fn buckets(&self) -> usize {
        self.rungs[..self.depth].iter().map(|r| r.buckets.len()).sum()
    }

    /// Memory held, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let buckets: usize = self.rungs.iter().map(|r| r.buckets.capacity()).sum();
        self.store.blocks.capacity() * BLOCK * size_of::<u128>()
            + self.store.next.capacity() * size_of::<u32>()
            + buckets * size_of::<Bucket>()
            + self.rungs.capacity() * size_of::<Rung>()
    }
}
