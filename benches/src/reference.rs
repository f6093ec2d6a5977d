//! Event lists written plainly, without cancellation or checks: what the queue is measured against.

use crate::events::EventList;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// An event in 16 bytes: time, then order of arrival and what happens in one number.
fn pack(at: u64, arrival: u64, event: u32) -> u128 {
    u128::from(at) << 64 | u128::from(arrival << 24) | u128::from(event)
}

fn unpack(entry: u128) -> (u64, u32) {
    ((entry >> 64) as u64, entry as u32 & 0xFF_FFFF)
}

/// A bare 4-ary heap; what is pushed after a pop takes the root's place.
#[derive(Default)]
pub struct Heap4 {
    heap: Vec<u128>,
    arrivals: u64,
    hole: bool,
}

impl Heap4 {
    fn down(&mut self, entry: u128) {
        let (heap, mut at) = (&mut self.heap[..], 0);
        loop {
            let first = 4 * at + 1;
            let (least, child) = if let Some(&[a, b, c, d]) = heap.get(first..).and_then(|below| below.first_chunk::<4>()) {
                let left = if b < a { (b, first + 1) } else { (a, first) };
                let right = if d < c { (d, first + 3) } else { (c, first + 2) };
                if right.0 < left.0 { right } else { left }
            } else if let Some(least) = heap.iter().copied().zip(0..).skip(first).min() {
                least
            } else {
                break;
            };
            if entry <= least {
                break;
            }
            heap[at] = least;
            at = child;
        }
        heap[at] = entry;
    }
}

impl EventList for Heap4 {
    fn push(&mut self, at: u64, event: u32) {
        self.arrivals += 1;
        let entry = pack(at, self.arrivals, event);
        if self.hole {
            self.hole = false;
            return self.down(entry);
        }
        let mut i = self.heap.len();
        self.heap.push(entry);
        while i > 0 && entry < self.heap[(i - 1) / 4] {
            self.heap[i] = self.heap[(i - 1) / 4];
            i = (i - 1) / 4;
        }
        self.heap[i] = entry;
    }

    fn pop(&mut self) -> Option<(u64, u32)> {
        if std::mem::take(&mut self.hole)
            && let Some(last) = self.heap.pop()
            && !self.heap.is_empty()
        {
            self.down(last);
        }
        let first = *self.heap.first()?;
        self.hole = true;
        Some(unpack(first))
    }
}

/// The standard library's binary heap.
#[derive(Default)]
pub struct Std {
    heap: BinaryHeap<Reverse<(u64, u64, u32)>>,
    arrivals: u64,
}

impl EventList for Std {
    fn push(&mut self, at: u64, event: u32) {
        self.arrivals += 1;
        self.heap.push(Reverse((at, self.arrivals, event)));
    }

    fn pop(&mut self) -> Option<(u64, u32)> {
        self.heap.pop().map(|Reverse((at, _, event))| (at, event))
    }
}

/// A stretch of time in buckets of equal width.
struct Rung {
    start: u64,
    width: u64,
    current: usize,
    buckets: Vec<Vec<u128>>,
}

impl Rung {
    fn current_start(&self) -> u64 {
        self.start + self.current as u64 * self.width
    }
}

/// A plain ladder queue after Tang, Goh and Thng (2005): top, rungs of vectors, sorted bottom.
#[derive(Default)]
pub struct PlainLadder {
    arrivals: u64,
    top: Vec<u128>,
    top_start: u64,
    rungs: Vec<Rung>,
    spare: Vec<Vec<u128>>,
    /// The least last.
    bottom: Vec<u128>,
}

impl PlainLadder {
    const CROWDED: usize = 50;

    fn rung(&mut self, start: u64, end: u64, mut from: Vec<u128>) {
        let width = ((end - start) / from.len() as u64).max(1);
        let buckets = (0..=(end - start) / width).map(|_| self.spare.pop().unwrap_or_default()).collect();
        let mut rung = Rung { start, width, current: 0, buckets };
        for e in from.drain(..) {
            rung.buckets[(((e >> 64) as u64 - start) / width) as usize].push(e);
        }
        self.spare.push(from);
        self.rungs.push(rung);
    }

    fn refill(&mut self) {
        while self.bottom.is_empty() {
            let Some(rung) = self.rungs.last_mut() else {
                let ns = |e: &u128| (e >> 64) as u64;
                let (Some(least), Some(most)) = (self.top.iter().map(ns).min(), self.top.iter().map(ns).max()) else { return };
                let top = std::mem::take(&mut self.top);
                self.rung(least, most, top);
                self.top_start = self.rungs[0].start + self.rungs[0].width * self.rungs[0].buckets.len() as u64;
                continue;
            };
            while rung.current < rung.buckets.len() && rung.buckets[rung.current].is_empty() {
                rung.current += 1;
            }
            if rung.current == rung.buckets.len() {
                self.spare.append(&mut self.rungs.pop().expect("looked at").buckets);
                continue;
            }
            let (start, end) = (rung.current_start(), rung.current_start() + rung.width - 1);
            let mut bucket = std::mem::take(&mut rung.buckets[rung.current]);
            rung.current += 1;
            if bucket.len() > Self::CROWDED && rung.width > 1 {
                self.rung(start, end, bucket);
            } else {
                self.bottom.append(&mut bucket);
                self.spare.push(bucket);
                self.bottom.sort_unstable_by(|a, b| b.cmp(a));
            }
        }
    }
}

impl EventList for PlainLadder {
    fn push(&mut self, at: u64, event: u32) {
        self.arrivals += 1;
        let entry = pack(at, self.arrivals, event);
        if at >= self.top_start {
            return self.top.push(entry);
        }
        for rung in &mut self.rungs {
            if at >= rung.current_start() {
                return rung.buckets[((at - rung.start) / rung.width) as usize].push(entry);
            }
        }
        let i = self.bottom.partition_point(|e| *e > entry);
        self.bottom.insert(i, entry);
    }

    fn pop(&mut self) -> Option<(u64, u32)> {
        if self.bottom.is_empty() {
            self.refill();
        }
        self.bottom.pop().map(unpack)
    }
}
