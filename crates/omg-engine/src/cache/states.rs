//! Which slot holds which state of the recurrent mixers.

use std::collections::{BTreeMap, HashMap};

#[derive(Debug, Clone, Copy)]
struct Checkpoint {
    slot: u32,
    /// Key in `by_age`.
    used: u64,
}

/// Hands out slots for the states of running sequences. The others hold checkpoints: the state after a full block, known by
/// the block's serial. A running sequence takes the slot of the checkpoint that was used least recently when none is free.
#[derive(Debug)]
pub(crate) struct StatePool {
    slots: usize,
    free: Vec<u32>,
    checkpoints: HashMap<u64, Checkpoint>,
    by_age: BTreeMap<u64, u64>,
    clock: u64,
}

impl StatePool {
    pub(crate) fn new(slots: usize) -> Self {
        Self {
            slots,
            free: (0..slots as u32).rev().collect(),
            checkpoints: HashMap::new(),
            by_age: BTreeMap::new(),
            clock: 0,
        }
    }

    /// A slot for a running sequence; `None` when all others run.
    pub(crate) fn take(&mut self) -> Option<u32> {
        if let Some(slot) = self.free.pop() {
            return Some(slot);
        }
        let (_, serial) = self.by_age.pop_first()?;
        Some(self.checkpoints.remove(&serial)?.slot)
    }

    pub(crate) fn give_back(&mut self, slot: u32) {
        debug_assert!(
            (slot as usize) < self.slots && !self.free.contains(&slot),
            "slot {slot} given back twice"
        );
        self.free.push(slot);
    }

    pub(crate) fn has_checkpoint(&self, serial: u64) -> bool {
        self.checkpoints.contains_key(&serial)
    }

    /// The slot of a checkpoint, which counts as used now.
    pub(crate) fn checkpoint(&mut self, serial: u64) -> Option<u32> {
        let checkpoint = self.checkpoints.get_mut(&serial)?;
        self.by_age.remove(&checkpoint.used);
        self.clock += 1;
        checkpoint.used = self.clock;
        self.by_age.insert(self.clock, serial);
        Some(checkpoint.slot)
    }

    /// The slot for a new checkpoint; `None` when there is one already, or no room.
    pub(crate) fn keep(&mut self, serial: u64) -> Option<u32> {
        if self.checkpoint(serial).is_some() {
            return None;
        }
        let slot = self.take()?;
        self.clock += 1;
        let used = self.clock;
        self.checkpoints.insert(serial, Checkpoint { slot, used });
        self.by_age.insert(used, serial);
        Some(slot)
    }

    /// Frees the slot of a checkpoint that nobody will look for again.
    pub(crate) fn forget(&mut self, serial: u64) {
        if let Some(checkpoint) = self.checkpoints.remove(&serial) {
            self.by_age.remove(&checkpoint.used);
            self.free.push(checkpoint.slot);
        }
    }

    /// Every slot is free, a checkpoint's or one of `running`; panics otherwise.
    #[cfg(test)]
    pub(crate) fn check(&self, running: &[u32]) {
        let kept = self.checkpoints.values().map(|checkpoint| checkpoint.slot);
        let mut all: Vec<u32> = kept.chain(self.free.iter().copied()).collect();
        all.extend(running);
        all.sort_unstable();
        assert_eq!(all, (0..self.slots as u32).collect::<Vec<_>>());
        assert_eq!(self.by_age.len(), self.checkpoints.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_sequences_come_before_checkpoints_and_the_oldest_leaves() {
        let mut pool = StatePool::new(3);
        let running = pool.take().unwrap();
        let (a, b) = (pool.keep(1).unwrap(), pool.keep(2).unwrap());
        assert_eq!(pool.keep(1), None);
        assert_eq!(pool.checkpoint(1), Some(a));
        pool.check(&[running]);
        // The second has not been used since.
        assert_eq!(pool.take(), Some(b));
        assert!(pool.has_checkpoint(1) && !pool.has_checkpoint(2));
        assert_eq!(pool.take(), Some(a));
        assert_eq!((pool.take(), pool.keep(3)), (None, None));
        pool.give_back(a);
        assert_eq!(pool.keep(4), Some(a));
        pool.forget(4);
        pool.check(&[running, b]);
    }
}
