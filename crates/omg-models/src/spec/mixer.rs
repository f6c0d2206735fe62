use omg_kernels::PagedKv;

use super::AttentionSpec;

/// What mixes tokens with each other. This file and `blocks/mixer.rs` are the only ones that tell the kinds apart.
#[derive(Debug, Clone, PartialEq)]
pub enum Mixer {
    Attention(AttentionSpec),
}

/// Bytes that a mixer keeps between steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheNeed {
    pub per_token: usize,
    /// Whatever the length of the sequence.
    pub per_sequence: usize,
}

impl Mixer {
    pub fn cache_need(&self) -> CacheNeed {
        match self {
            Self::Attention(a) => CacheNeed {
                per_token: PagedKv::bytes_per_token(a.kv_heads, a.key_dim, a.value_dim),
                per_sequence: 0,
            },
        }
    }

    /// Elements per token that it computes with.
    pub fn scratch_width(&self) -> usize {
        match self {
            // Queries and their normed copy, keys, values, and what attention gives.
            Self::Attention(a) => {
                2 * a.query_width() + 2 * a.key_width() + a.value_width() + a.output_width()
            }
        }
    }
}
