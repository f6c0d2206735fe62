use super::{Attention, Ropes, Scratch, Step};
use crate::backend::Backend;
use crate::error::Result;
use crate::spec::Mixer;
use crate::weights::WeightSource;

/// A loaded mixer of any kind.
pub(crate) enum MixerBlock<B: Backend> {
    Attention(Attention<B>),
}

/// What a mixer keeps of the sequences between steps.
pub(crate) enum LayerCache<B: Backend> {
    /// Keys and values of each token, in blocks.
    Paged(B::Kv),
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
        })
    }

    pub(crate) fn weight_bytes(&self, backend: &B) -> usize {
        match self {
            Self::Attention(attention) => attention.weight_bytes(backend),
        }
    }

    /// An empty cache with room for so many blocks of tokens.
    pub(crate) fn new_cache(&self, backend: &B, blocks: usize) -> Result<LayerCache<B>> {
        match self {
            Self::Attention(attention) => Ok(LayerCache::Paged(
                backend.new_kv(attention.shape(), blocks)?,
            )),
        }
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
        }
    }
}

impl<B: Backend> LayerCache<B> {
    /// Copies what is kept of the tokens of a block.
    pub(crate) fn copy_block(&mut self, backend: &B, from: usize, to: usize) -> Result<()> {
        match self {
            Self::Paged(kv) => backend.copy_block(kv, from, to),
        }
    }
}
