//! What sequences have of the model's memory: blocks of keys and values, and a state where the model has recurrent mixers.

mod blocks;
mod states;

use blocks::{BlockPool, BlockTable};
use states::StatePool;

/// The first blocks after which a checkpoint is kept; from there on after twice as many each time. Whatever two prompts have in
/// common, at least half of it is then reused.
const FIRST_CHECKPOINT: usize = 4;

/// The memory that all sequences share.
#[derive(Debug)]
pub(crate) struct Cache {
    blocks: BlockPool,
    /// `None`: the model keeps no states.
    states: Option<StatePool>,
    block_tokens: usize,
    /// Full blocks may be the beginning of another sequence.
    reuse: bool,
}

/// The memory of one sequence. Empty until it is admitted.
#[derive(Debug, Default)]
pub(crate) struct SequenceMemory {
    table: BlockTable,
    state: Option<u32>,
    /// The last checkpoint that is of no use once there is a later one: a sequence that generates keeps one.
    passing: Option<u64>,
}

/// A state to be copied from one slot to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StateCopy {
    pub(crate) from: usize,
    pub(crate) to: usize,
}

/// What an admitted sequence begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Admitted {
    pub(crate) cached_tokens: usize,
    /// To be copied before the sequence runs.
    pub(crate) restore: Option<StateCopy>,
}

impl SequenceMemory {
    pub(crate) fn blocks(&self) -> &[u32] {
        &self.table.blocks
    }

    pub(crate) fn state(&self) -> Option<u32> {
        self.state
    }
}

impl Cache {
    /// `states`: slots for the states of recurrent mixers, in a model that has any.
    pub(crate) fn new(
        blocks: usize,
        block_tokens: usize,
        states: Option<usize>,
        reuse: bool,
    ) -> Self {
        Self {
            blocks: BlockPool::new(blocks, block_tokens),
            states: states.map(StatePool::new),
            block_tokens,
            reuse,
        }
    }

    /// Blocks that can be had now.
    pub(crate) fn available(&self) -> usize {
        self.blocks.available()
    }

    pub(crate) fn blocks_for(&self, tokens: usize) -> usize {
        self.blocks.blocks_for(tokens)
    }

    /// Blocks in use that hold the beginning of `tokens`, of at most `max_blocks`.
    pub(crate) fn shared_blocks(&self, tokens: &[u32], max_blocks: usize) -> usize {
        let usable = self.usable(tokens, max_blocks);
        self.blocks.cached_prefix(tokens, usable).1
    }

    /// Gives an empty memory what the cache holds of the beginning of `tokens`, at most `max_blocks`, and a state. `None` when
    /// no state can be had.
    pub(crate) fn admit(
        &mut self,
        memory: &mut SequenceMemory,
        tokens: &[u32],
        max_blocks: usize,
    ) -> Option<Admitted> {
        let usable = self.usable(tokens, max_blocks);
        let mut restore = None;
        if let Some(states) = &mut self.states {
            let last = self.blocks.serials(tokens, usable).last().copied();
            // The checkpoint counts as used first, so that it is not the one that gives its slot.
            let from = last.and_then(|serial| states.checkpoint(serial));
            let to = states.take()?;
            memory.state = Some(to);
            restore = match from {
                // With as many sequences as slots its own slot may have been the last one.
                Some(from) if from == to => None,
                Some(from) => Some(StateCopy {
                    from: from as usize,
                    to: to as usize,
                }),
                None => None,
            };
        }
        Some(Admitted {
            cached_tokens: self.blocks.reuse(&mut memory.table, tokens, usable),
            restore,
        })
    }

    /// As many cached blocks of the beginning of `tokens` as a sequence can go on from, or more than there are.
    fn usable(&self, tokens: &[u32], max_blocks: usize) -> usize {
        if !self.reuse {
            return 0;
        }
        let Some(states) = &self.states else {
            return max_blocks;
        };
        let serials = self.blocks.serials(tokens, max_blocks);
        let last = serials
            .iter()
            .rposition(|serial| states.has_checkpoint(*serial));
        last.map_or(0, |last| last + 1)
    }

    /// Appends blocks until `memory` holds `tokens` tokens or none are left; true when it does.
    pub(crate) fn grow(&mut self, memory: &mut SequenceMemory, tokens: usize) -> bool {
        let grown = self.blocks.grow(&mut memory.table, tokens);
        let left = self.blocks.take_evicted();
        if let Some(states) = &mut self.states {
            left.into_iter().for_each(|serial| states.forget(serial));
        }
        grown
    }

    /// Gives everything back.
    pub(crate) fn release(&mut self, memory: &mut SequenceMemory) {
        self.blocks.release(&mut memory.table);
        if let (Some(states), Some(slot)) = (&mut self.states, memory.state) {
            states.give_back(slot);
        }
        *memory = SequenceMemory::default();
    }

    /// Tokens of a sequence of `total` that may be computed in one go after the first `computed`: as many as lie before the
    /// next checkpoint.
    pub(crate) fn until_checkpoint(&self, computed: usize, total: usize) -> usize {
        if self.states.is_none() || !self.reuse {
            return usize::MAX;
        }
        let block = self.block_tokens;
        let mut doubling = FIRST_CHECKPOINT * block;
        while doubling <= computed {
            doubling *= 2;
        }
        let last = last_reusable(total, block);
        match last > computed {
            true => doubling.min(last) - computed,
            false => doubling - computed,
        }
    }

    /// Publishes the blocks that `computed` has filled, of a sequence of `total` tokens. What is returned must be copied
    /// before the sequence goes on.
    pub(crate) fn publish(
        &mut self,
        memory: &mut SequenceMemory,
        computed: &[u32],
        total: usize,
    ) -> Option<StateCopy> {
        if !self.reuse {
            return None;
        }
        self.blocks.publish(&mut memory.table, computed);
        let (states, from) = (self.states.as_mut()?, memory.state?);
        let block = self.block_tokens;
        if computed.is_empty() || !computed.len().is_multiple_of(block) {
            return None;
        }
        let (at, serial) = (computed.len() / block, memory.table.serial());
        let lasting = (at.is_power_of_two() && at >= FIRST_CHECKPOINT)
            || computed.len() == last_reusable(total, block);
        if !lasting {
            if computed.len() < total {
                return None;
            }
            if let Some(before) = memory.passing.replace(serial) {
                states.forget(before);
            }
        }
        states.keep(serial).map(|to| StateCopy {
            from: from as usize,
            to: to as usize,
        })
    }

    /// Takes back the checkpoint that the last `publish` of this memory asked for, when it could not be made.
    pub(crate) fn forget_last(&mut self, memory: &SequenceMemory) {
        if let Some(states) = &mut self.states {
            states.forget(memory.table.serial());
        }
    }

    /// Every block and slot is accounted for by these memories; panics otherwise.
    #[cfg(test)]
    pub(crate) fn check(&self, memories: &[&SequenceMemory]) {
        let tables: Vec<_> = memories.iter().map(|memory| &memory.table).collect();
        self.blocks.check(&tables);
        if let Some(states) = &self.states {
            let running: Vec<u32> = memories.iter().filter_map(|memory| memory.state).collect();
            states.check(&running);
        }
    }
}

/// Tokens of the last block of `total` behind which there is one more, whose logits are wanted.
fn last_reusable(total: usize, block_tokens: usize) -> usize {
    total.saturating_sub(1) / block_tokens * block_tokens
}
