use super::{Attention, DeltaNet, Mamba2, Ropes, Scratch, ShortConv, Step};
use crate::backend::Backend;
use crate::error::{Error, Result};
use crate::spec::Mixer;
use crate::weights::WeightSource;

/// A loaded mixer of any kind.
pub(crate) enum MixerBlock<B: Backend> {
    Attention(Attention<B>),
    DeltaNet(DeltaNet<B>),
    Mamba2(Mamba2<B>),
    ShortConv(ShortConv<B>),
}

/// What a mixer keeps of the sequences between steps.
pub(crate) enum LayerCache<B: Backend> {
    /// Keys and values of each token, in blocks.
    Paged(B::Kv),
    /// A state of each sequence, by slot.
    State(B::States),
}

/// What caches have room for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// Of `BLOCK_TOKENS` tokens.
    pub(crate) blocks: usize,
    /// States of sequences.
    pub(crate) states: usize,
}

impl<B: Backend> MixerBlock<B> {
    pub(crate) fn load(
        backend: &B,
        source: &mut WeightSource<'_>,
        ropes: &mut Ropes<B>,
        hidden: usize,
        spec: &Mixer,
        layer: usize,
    ) -> Result<Self> {
        Ok(match spec {
            Mixer::Attention(spec) => Self::Attention(Attention::load(
                backend, source, ropes, hidden, spec, layer,
            )?),
            Mixer::DeltaNet(spec) => {
                Self::DeltaNet(DeltaNet::load(backend, source, hidden, spec, layer)?)
            }
            Mixer::Mamba2(spec) => {
                Self::Mamba2(Mamba2::load(backend, source, hidden, spec, layer)?)
            }
            Mixer::ShortConv(spec) => {
                Self::ShortConv(ShortConv::load(backend, source, hidden, spec, layer)?)
            }
        })
    }

    pub(crate) fn weight_bytes(&self, backend: &B) -> usize {
        match self {
            Self::Attention(attention) => attention.weight_bytes(backend),
            Self::DeltaNet(block) => block.weight_bytes(backend),
            Self::Mamba2(block) => block.weight_bytes(backend),
            Self::ShortConv(block) => block.weight_bytes(backend),
        }
    }

    pub(crate) fn new_cache(&self, backend: &B, room: Room) -> Result<LayerCache<B>> {
        let states = match self {
            Self::Attention(attention) => {
                let kv = backend.new_kv(attention.shape(), room.blocks)?;
                return Ok(LayerCache::Paged(kv));
            }
            Self::DeltaNet(block) => block.new_states(backend, room.states),
            Self::Mamba2(block) => block.new_states(backend, room.states),
            Self::ShortConv(block) => block.new_states(backend, room.states),
        };
        states.map(LayerCache::State)
    }

    /// From `scratch.normed`, which stays, to `scratch.branch`.
    pub(crate) fn forward(
        &self,
        backend: &B,
        step: &Step<'_, B>,
        cache: &mut LayerCache<B>,
        scratch: &mut Scratch<B>,
    ) -> Result<()> {
        match (self, cache) {
            (Self::Attention(attention), LayerCache::Paged(kv)) => {
                attention.forward(backend, step, kv, scratch)
            }
            (Self::DeltaNet(block), LayerCache::State(states)) => {
                block.forward(backend, step, states, scratch)
            }
            (Self::Mamba2(block), LayerCache::State(states)) => {
                block.forward(backend, step, states, scratch)
            }
            (Self::ShortConv(block), LayerCache::State(states)) => {
                block.forward(backend, step, states, scratch)
            }
            _ => Err(Error::InvalidBatch {
                reason: "the cache belongs to another model".to_owned(),
            }),
        }
    }
}

impl<B: Backend> LayerCache<B> {
    /// Copies what is kept of the tokens of a block.
    pub(crate) fn copy_block(&mut self, backend: &B, from: usize, to: usize) -> Result<()> {
        match self {
            Self::Paged(kv) => backend.copy_block(kv, from, to),
            Self::State(_) => Ok(()),
        }
    }

    /// The state in one slot becomes that in another.
    pub(crate) fn copy_state(&mut self, backend: &B, from: usize, to: usize) -> Result<()> {
        match self {
            Self::Paged(_) => Ok(()),
            Self::State(states) => backend.copy_state(states, from, to),
        }
    }
}
