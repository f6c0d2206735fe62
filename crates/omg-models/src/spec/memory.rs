use omg_format::ModelFiles;
use omg_kernels::PagedKv;

use super::{FeedForward, Mixer, ModelSpec};
use crate::weights::needed;

const FLOAT_BYTES: usize = 4;
/// Sequences whose logits are expected from one step.
const EXPECTED_OUTPUTS: usize = 8;

/// Bytes that one token takes in the cache, over all layers.
pub fn kv_bytes_per_token(spec: &ModelSpec) -> usize {
    let layer = |mixer: &Mixer| match mixer {
        Mixer::Attention(a) => PagedKv::bytes_per_token(a.kv_heads, a.key_dim, a.value_dim),
    };
    spec.layers.iter().map(|l| layer(&l.mixer)).sum()
}

/// Bytes of the weights in memory. They are kept in the type of the file, so its tensors are what they take; those of
/// other modalities are not loaded.
pub fn weight_bytes_estimate(files: &ModelFiles, spec: &ModelSpec) -> u64 {
    let tensors = files
        .tensors()
        .iter()
        .filter(|tensor| needed(&tensor.name, spec.layers.len()));
    tensors.map(|tensor| tensor.bytes).sum()
}

/// Bytes of activations while `batch_tokens` tokens run in one step. Layers reuse the same buffers.
pub fn scratch_bytes(spec: &ModelSpec, batch_tokens: usize) -> u64 {
    let attention = spec.layers.iter().map(|layer| match &layer.mixer {
        // Queries and their normed copy, keys, values, and what attention gives.
        Mixer::Attention(a) => {
            2 * a.query_width() + 2 * a.key_width() + a.value_width() + a.output_width()
        }
    });
    let feed_forward = spec.layers.iter().map(|layer| match &layer.feed_forward {
        FeedForward::Gated(gated) => 2 * gated.width,
        FeedForward::Plain(plain) => 2 * plain.width,
    });
    let widest = attention.max().unwrap_or(0) + feed_forward.max().unwrap_or(0);
    // The residual stream, its norm and a branch; the kernels' eight-bit copy of the widest row.
    let per_token = (widest + 4 * spec.hidden) * FLOAT_BYTES + widest;
    let logits = batch_tokens.min(EXPECTED_OUTPUTS) * spec.vocab * FLOAT_BYTES;
    (per_token * batch_tokens + logits) as u64
}
