use omg_kernels::Activation;

use super::NormSpec;

/// A second embedding table, with a vector of each token for each layer (Gemma 3n and 4): what a layer is given is
/// `(norm(W·x / √hidden) + √width · table[token]) / √2`, where `x` is the embedding of the token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PerLayerTable {
    /// Elements for each layer.
    pub width: usize,
    pub rows: usize,
    pub norm: NormSpec,
}

/// What a layer does with its vector of each token, after its other halves: `x + norm(W·(activation(G·x) · vector))`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PerLayerSpec {
    pub width: usize,
    pub activation: Activation,
    pub norm: NormSpec,
}
