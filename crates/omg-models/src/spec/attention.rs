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
    pub qk_norm: Option<QkNorm>,
    /// A norm of each head of the values.
    pub value_norm: Option<NormSpec>,
    /// `None`: the layer does not encode positions.
    pub rope: Option<RopeSpec>,
    /// Scores are multiplied by this.
    pub scale: f32,
    /// Queries grow with their position.
    pub temperature: Option<Temperature>,
    /// `c · tanh(score / c)` after scaling.
    pub softcap: Option<f32>,
    /// Which keys a query sees.
    pub mask: Mask,
    /// The file has a score per head that takes part in the softmax without a value (gpt-oss).
    pub sinks: bool,
    /// Per head, subtracted from a score for each position between query and key (ALiBi).
    pub slopes: Option<Vec<f32>>,
    /// What attention gives is multiplied by the sigmoid of this.
    pub gate: Option<OutputGate>,
    pub keys_values: KeysValues,
}

/// Where the keys and values of a layer come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeysValues {
    Projected,
    /// The layer projects keys; its values are the same before norm and rope (Gemma 4).
    ValueFromKey,
    /// Those of an earlier layer (Gemma 3n and 4).
    OfLayer(usize),
}

/// A gate for each element that attention gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputGate {
    /// The query projection has, per head, the rows of the query and then those of the gate (Qwen3-Next).
    WithinQuery,
    /// A projection of its own.
    Projected,
}

/// Queries at position `p` are multiplied by `1 + scale · ln(⌊(p + offset) / length⌋ + 1)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Temperature {
    pub scale: f32,
    pub length: usize,
    pub offset: usize,
}

/// Which projections add a bias.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AttentionBias {
    pub query: bool,
    pub key: bool,
    pub value: bool,
    pub output: bool,
}

/// A norm of queries and keys.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QkNorm {
    pub scope: QkNormScope,
    pub after_rope: bool,
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

impl Temperature {
    pub fn factor(&self, position: u32) -> f32 {
        let periods = (position as usize + self.offset) / self.length;
        1.0 + self.scale * ((periods + 1) as f32).ln()
    }
}
