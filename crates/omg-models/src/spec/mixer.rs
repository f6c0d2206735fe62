use omg_kernels::PagedKv;

use super::{AttentionSpec, DeltaNetSpec, KeysValues, Mamba2Spec, ShortConvSpec, StateShape};

/// What mixes tokens with each other. This file and `blocks/mixer.rs` are the only ones that tell the kinds apart.
#[derive(Debug, Clone, PartialEq)]
pub enum Mixer {
    Attention(AttentionSpec),
    DeltaNet(DeltaNetSpec),
    Mamba2(Mamba2Spec),
    ShortConv(ShortConvSpec),
}

/// Bytes that a mixer keeps between steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheNeed {
    pub per_token: usize,
    /// Whatever the length of the sequence.
    pub per_sequence: usize,
}

impl Mixer {
    pub fn attention_mut(&mut self) -> Option<&mut AttentionSpec> {
        match self {
            Self::Attention(attention) => Some(attention),
            Self::DeltaNet(_) | Self::Mamba2(_) | Self::ShortConv(_) => None,
        }
    }

    /// What a mixer keeps of each sequence.
    pub(crate) fn state(&self) -> Option<StateShape> {
        match self {
            Self::Attention(_) => None,
            Self::DeltaNet(spec) => Some(spec.state()),
            Self::Mamba2(spec) => Some(spec.state()),
            Self::ShortConv(spec) => Some(spec.state()),
        }
    }

    pub fn cache_need(&self) -> CacheNeed {
        match self {
            Self::Attention(a) => CacheNeed {
                per_token: match a.keys_values {
                    KeysValues::OfLayer(_) => 0,
                    _ => PagedKv::bytes_per_token(a.kv_heads, a.key_dim, a.value_dim),
                },
                per_sequence: 0,
            },
            _ => CacheNeed {
                per_token: 0,
                per_sequence: self
                    .state()
                    .map_or(0, |state| state.width() * size_of::<f32>()),
            },
        }
    }

    /// The layer whose cache it reads, when it keeps none of its own.
    pub fn cache_of_layer(&self) -> Option<usize> {
        match self {
            Self::Attention(a) => match a.keys_values {
                KeysValues::OfLayer(layer) => Some(layer),
                _ => None,
            },
            Self::DeltaNet(_) | Self::Mamba2(_) | Self::ShortConv(_) => None,
        }
    }

    /// Elements per token that it computes with.
    pub fn scratch_width(&self) -> usize {
        match self {
            // Queries and their normed copy, keys, values, and what attention gives.
            Self::Attention(a) => {
                let gate = if a.gate.is_some() { a.query_width() } else { 0 };
                let keys_values = 2 * a.key_width() + a.value_width();
                2 * a.query_width() + keys_values + a.output_width() + 2 * gate
            }
            // Before and after the convolution, the gate and what it gives, the gates of each head.
            Self::DeltaNet(DeltaNetSpec { shape, .. }) | Self::Mamba2(Mamba2Spec { shape, .. }) => {
                2 * shape.input_width() + 2 * shape.output_width() + 3 * shape.heads
            }
            Self::ShortConv(s) => 5 * s.width,
        }
    }
}
