use omg_kernels::Mask;

use super::{NormSpec, RopeSpec};

/// Multi-head attention with grouped keys and values.
#[derive(Debug, Clone, PartialEq)]
pub struct AttentionSpec {
    pub heads: usize,
    /// Divides `heads`; head `i` reads the keys and values of head `i / (heads / kv_heads)`.
    pub kv_heads: usize,
    pub key_dim: usize,
    pub value_dim: usize,
    pub bias: AttentionBias,
    /// Applied to queries and keys before rope.
    pub qk_norm: Option<QkNorm>,
    /// `None`: the layer does not encode positions.
    pub rope: Option<RopeSpec>,
    /// Scores are multiplied by this.
    pub scale: f32,
    /// `c · tanh(score / c)` after scaling.
    pub softcap: Option<f32>,
    /// Which keys a query sees.
    pub mask: Mask,
}

/// Which projections add a bias.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AttentionBias {
    pub query: bool,
    pub key: bool,
    pub value: bool,
    pub output: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QkNorm {
    pub scope: QkNormScope,
    pub norm: NormSpec,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QkNormScope {
    /// One weight of `key_dim`, applied to each head.
    Head,
    /// One weight over all heads together.
    Projection,
}

impl AttentionSpec {
    pub fn query_width(&self) -> usize {
        self.heads * self.key_dim
    }

    pub fn key_width(&self) -> usize {
        self.kv_heads * self.key_dim
    }

    pub fn value_width(&self) -> usize {
        self.kv_heads * self.value_dim
    }

    /// Width of what the output projection reads.
    pub fn output_width(&self) -> usize {
        self.heads * self.value_dim
    }
}
