//! Who was woken: a flag for a connection, and one for each of its slots.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Wake, Waker};

/// The slots that one connection's wakers rang for. Only its own thread rings and listens (wakers are `Send` by their type alone), so
/// that no order between memory accesses is asked for.
#[derive(Debug)]
pub(super) struct Bells {
    connection: AtomicBool,
    /// A bit for each slot.
    slots: Box<[AtomicU64]>,
}

impl Bells {
    pub(super) fn new(slots: usize) -> Arc<Self> {
        Arc::new(Self {
            connection: AtomicBool::new(false),
            slots: std::iter::repeat_with(AtomicU64::default)
                .take(slots.div_ceil(64))
                .collect(),
        })
    }

    /// A waker that rings for a slot, by its place on the connection.
    pub(super) fn slot(self: &Arc<Self>, at: usize) -> Waker {
        let bells = Arc::clone(self);
        Waker::from(Arc::new(SlotBell { bells, at }))
    }

    /// A waker that rings for the connection.
    pub(super) fn connection(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }

    /// Rings for a slot.
    pub(super) fn ring(&self, at: usize) {
        self.slots[at / 64].fetch_or(1 << (at % 64), Ordering::Relaxed);
    }

    /// Whether the connection was rung for since the last time.
    pub(super) fn take_connection(&self) -> bool {
        self.connection.load(Ordering::Relaxed) && self.connection.swap(false, Ordering::Relaxed)
    }

    /// The next slot that was rung for, from `from` on.
    pub(super) fn take_next(&self, from: usize) -> Option<usize> {
        let (first, bit) = (from / 64, from % 64);
        for (word, bits) in self.slots.iter().enumerate().skip(first) {
            let mask = if word == first { u64::MAX << bit } else { u64::MAX };
            let found = bits.load(Ordering::Relaxed) & mask;
            if found != 0 {
                let at = found.trailing_zeros() as usize;
                bits.fetch_and(!(1 << at), Ordering::Relaxed);
                return Some(word * 64 + at);
            }
        }
        None
    }
}

impl Wake for Bells {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.connection.store(true, Ordering::Relaxed);
    }
}

struct SlotBell {
    bells: Arc<Bells>,
    at: usize,
}

impl Wake for SlotBell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.bells.ring(self.at);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_slot_rung_for_is_found_once(slots in 1usize..200, rung in prop::collection::btree_set(0usize..200, 0..50)) {
            let bells = Bells::new(slots);
            let rung: Vec<usize> = rung.into_iter().filter(|at| *at < slots).collect();
            for at in &rung {
                bells.slot(*at).wake();
                bells.ring(*at);
            }
            prop_assert!(!bells.take_connection());
            bells.connection().wake();
            prop_assert!(bells.take_connection() && !bells.take_connection());
            let mut found = vec![];
            while let Some(at) = bells.take_next(found.last().map_or(0, |last| last + 1)) {
                found.push(at);
            }
            prop_assert_eq!(found, rung);
            prop_assert_eq!(bells.take_next(0), None);
        }
    }
}
