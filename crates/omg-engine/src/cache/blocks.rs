//! Which block of the KV cache holds what.

use std::collections::{BTreeMap, HashMap};

/// What makes the content of a full block: its tokens and everything before them. The parent is a serial number that is
/// never used twice, so keys are exact and no prompt can reach another's blocks through a hash collision. Keys of other
/// inputs (media, adapters) belong in here when they come.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct BlockKey {
    parent: u64,
    tokens: Box<[u32]>,
}

#[derive(Debug, Clone)]
struct CachedBlock {
    key: BlockKey,
    serial: u64,
}

#[derive(Debug, Clone, Default)]
struct BlockState {
    refs: u32,
    cached: Option<CachedBlock>,
    /// Key in `idle` while nobody uses the block.
    idle_since: u64,
}

/// Hands out blocks by reference count and keeps full blocks for reuse after their last user has gone, until their
/// space is needed (least recently used first; a block always leaves before the one it continues).
#[derive(Debug)]
pub(crate) struct BlockPool {
    block_tokens: usize,
    blocks: Vec<BlockState>,
    free: Vec<u32>,
    idle: BTreeMap<u64, u32>,
    index: HashMap<BlockKey, u32>,
    next_serial: u64,
    clock: u64,
    /// Serials of blocks that have left the index since they were last asked for.
    evicted: Vec<u64>,
}

/// The blocks of one sequence, in order of position.
#[derive(Debug, Default)]
pub(crate) struct BlockTable {
    pub(crate) blocks: Vec<u32>,
    /// The first `shared` blocks are full and in the index.
    shared: usize,
    /// Serial of the last of them; 0 at the root.
    serial: u64,
}

impl BlockTable {
    /// Serial of the last block that is full and in the index; 0 when there is none.
    pub(crate) fn serial(&self) -> u64 {
        self.serial
    }
}

impl BlockPool {
    pub(crate) fn new(blocks: usize, block_tokens: usize) -> Self {
        Self {
            block_tokens,
            blocks: vec![BlockState::default(); blocks],
            // The first blocks are used first.
            free: (0..blocks as u32).rev().collect(),
            idle: BTreeMap::new(),
            index: HashMap::new(),
            next_serial: 1,
            clock: 0,
            evicted: Vec::new(),
        }
    }

    /// Blocks that can be had now.
    pub(crate) fn available(&self) -> usize {
        self.free.len() + self.idle.len()
    }

    pub(crate) fn blocks_for(&self, tokens: usize) -> usize {
        tokens.div_ceil(self.block_tokens)
    }

    /// Appends blocks until `table` holds `tokens` tokens or none are left; true when it does.
    pub(crate) fn grow(&mut self, table: &mut BlockTable, tokens: usize) -> bool {
        let want = self.blocks_for(tokens);
        while table.blocks.len() < want {
            let Some(block) = self.take() else {
                return false;
            };
            table.blocks.push(block);
        }
        true
    }

    fn take(&mut self) -> Option<u32> {
        let block = match self.free.pop() {
            Some(block) => block,
            None => {
                let (_, block) = self.idle.pop_first()?;
                if let Some(cached) = self.blocks[block as usize].cached.take() {
                    self.index.remove(&cached.key);
                    self.evicted.push(cached.serial);
                }
                block
            }
        };
        self.blocks[block as usize].refs = 1;
        Some(block)
    }

    /// Serials of the blocks that gave their space to others since this was last called.
    pub(crate) fn take_evicted(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.evicted)
    }

    fn retain(&mut self, block: u32) {
        let state = &mut self.blocks[block as usize];
        if state.refs == 0 {
            self.idle.remove(&state.idle_since);
        }
        state.refs += 1;
    }

    fn release_block(&mut self, block: u32) {
        let state = &mut self.blocks[block as usize];
        debug_assert!(state.refs > 0, "block {block} released twice");
        state.refs -= 1;
        if state.refs > 0 {
            return;
        }
        if state.cached.is_some() {
            self.clock += 1;
            state.idle_since = self.clock;
            self.idle.insert(self.clock, block);
        } else {
            self.free.push(block);
        }
    }

    /// Gives everything back. Last blocks first, so that a continuation is older than what it continues.
    pub(crate) fn release(&mut self, table: &mut BlockTable) {
        for block in table.blocks.drain(..).rev() {
            self.release_block(block);
        }
        *table = BlockTable::default();
    }

    /// Serials of the full blocks of `tokens` that are cached, at most `max_blocks`.
    pub(crate) fn serials(&self, tokens: &[u32], max_blocks: usize) -> Vec<u64> {
        let mut parent = 0;
        let blocks = tokens.chunks_exact(self.block_tokens).take(max_blocks);
        let serials = blocks.map_while(|block| {
            let (_, serial) = self.find(parent, block)?;
            parent = serial;
            Some(serial)
        });
        serials.collect()
    }

    /// Full blocks of `tokens` that are cached, at most `max_blocks`: (how many, how many of them are in use).
    pub(crate) fn cached_prefix(&self, tokens: &[u32], max_blocks: usize) -> (usize, usize) {
        let (mut parent, mut found, mut in_use) = (0, 0, 0);
        for chunk in tokens.chunks_exact(self.block_tokens).take(max_blocks) {
            let Some((block, serial)) = self.find(parent, chunk) else {
                break;
            };
            parent = serial;
            found += 1;
            in_use += usize::from(self.blocks[block as usize].refs > 0);
        }
        (found, in_use)
    }

    /// Fills an empty table with the cached blocks that hold the beginning of `tokens`; returns the tokens they hold.
    pub(crate) fn reuse(
        &mut self,
        table: &mut BlockTable,
        tokens: &[u32],
        max_blocks: usize,
    ) -> usize {
        debug_assert!(
            table.blocks.is_empty(),
            "only an empty table can take a prefix"
        );
        for chunk in tokens.chunks_exact(self.block_tokens).take(max_blocks) {
            let Some((block, serial)) = self.find(table.serial, chunk) else {
                break;
            };
            self.retain(block);
            table.blocks.push(block);
            table.serial = serial;
        }
        table.shared = table.blocks.len();
        table.shared * self.block_tokens
    }

    /// Publishes the blocks of `table` that `computed` (the tokens whose KV is written) has filled. A block whose content
    /// is cached already is exchanged for the cached one.
    pub(crate) fn publish(&mut self, table: &mut BlockTable, computed: &[u32]) {
        for at in table.shared..computed.len() / self.block_tokens {
            let tokens = &computed[at * self.block_tokens..(at + 1) * self.block_tokens];
            let own = table.blocks[at];
            if let Some((block, serial)) = self.find(table.serial, tokens) {
                self.retain(block);
                table.blocks[at] = block;
                self.release_block(own);
                table.serial = serial;
            } else {
                let key = BlockKey {
                    parent: table.serial,
                    tokens: tokens.into(),
                };
                let serial = self.next_serial;
                self.next_serial += 1;
                self.index.insert(key.clone(), own);
                self.blocks[own as usize].cached = Some(CachedBlock { key, serial });
                table.serial = serial;
            }
            table.shared = at + 1;
        }
    }

    fn find(&self, parent: u64, tokens: &[u32]) -> Option<(u32, u64)> {
        let key = BlockKey {
            parent,
            tokens: tokens.into(),
        };
        let block = *self.index.get(&key)?;
        let cached = self.blocks[block as usize].cached.as_ref()?;
        Some((block, cached.serial))
    }

    /// Every block is free, idle or referenced by exactly the tables given; panics otherwise.
    #[cfg(test)]
    pub(crate) fn check(&self, tables: &[&BlockTable]) {
        let mut refs = vec![0u32; self.blocks.len()];
        for table in tables {
            for &block in &table.blocks {
                refs[block as usize] += 1;
            }
        }
        for (block, state) in self.blocks.iter().enumerate() {
            assert_eq!(state.refs, refs[block], "references of block {block}");
        }
        let used = refs.iter().filter(|&&r| r > 0).count();
        assert_eq!(
            used + self.free.len() + self.idle.len(),
            self.blocks.len(),
            "a block leaked"
        );
        let cached = self.blocks.iter().filter(|b| b.cached.is_some()).count();
        assert_eq!(cached, self.index.len(), "the index and the blocks differ");
        for &block in &self.free {
            assert!(
                self.blocks[block as usize].cached.is_none(),
                "a free block is cached"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(pool: &mut BlockPool, tokens: &[u32]) -> BlockTable {
        let mut table = BlockTable::default();
        assert!(pool.grow(&mut table, tokens.len()));
        pool.publish(&mut table, tokens);
        table
    }

    #[test]
    fn full_blocks_are_found_again_and_partial_ones_are_not() {
        let mut pool = BlockPool::new(8, 4);
        let tokens: Vec<u32> = (0..11).collect();
        let mut a = filled(&mut pool, &tokens);
        let first = a.blocks.clone();
        pool.release(&mut a);
        pool.check(&[]);
        let mut b = BlockTable::default();
        assert_eq!(pool.reuse(&mut b, &tokens, usize::MAX), 8);
        assert_eq!(b.blocks, first[..2]);
        // Another beginning makes the same tokens another block.
        let mut other = tokens;
        other[0] = 99;
        assert_eq!(pool.cached_prefix(&other, usize::MAX), (0, 0));
        pool.check(&[&b]);
    }

    #[test]
    fn the_oldest_leaves_first_and_never_before_its_continuation() {
        let mut pool = BlockPool::new(4, 2);
        let mut a = filled(&mut pool, &[1, 2, 3, 4]);
        let mut b = filled(&mut pool, &[5, 6, 7, 8]);
        pool.release(&mut a);
        pool.release(&mut b);
        let mut c = BlockTable::default();
        assert!(pool.grow(&mut c, 2));
        assert_eq!(pool.cached_prefix(&[1, 2, 3, 4], 9), (1, 0));
        assert!(pool.grow(&mut c, 4));
        assert_eq!(pool.cached_prefix(&[1, 2, 3, 4], 9), (0, 0));
        assert_eq!(pool.cached_prefix(&[5, 6, 7, 8], 9), (2, 0));
        assert!(!pool.grow(&mut c, 10));
        pool.check(&[&c]);
    }

    #[test]
    fn equal_blocks_are_merged() {
        let mut pool = BlockPool::new(4, 2);
        let a = filled(&mut pool, &[1, 2, 3]);
        let b = filled(&mut pool, &[1, 2, 4]);
        assert_eq!(a.blocks[0], b.blocks[0]);
        assert_eq!(pool.available(), 1);
        pool.check(&[&a, &b]);
    }
}
