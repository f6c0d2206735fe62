use omg_format::ModelFiles;

use super::{CacheNeed, Mixer, ModelSpec};
use crate::weights::needed;

const FLOAT_BYTES: usize = 4;
/// Sequences whose logits are expected from one step.
const EXPECTED_OUTPUTS: usize = 8;

/// Bytes that one token takes in the cache, over all layers.
pub fn kv_bytes_per_token(spec: &ModelSpec) -> usize {
    needs(spec).map(|need| need.per_token).sum()
}

/// Bytes that a sequence takes whatever its length, over all layers.
pub fn state_bytes_per_sequence(spec: &ModelSpec) -> usize {
    needs(spec).map(|need| need.per_sequence).sum()
}

fn needs(spec: &ModelSpec) -> impl Iterator<Item = CacheNeed> {
    let mixers = spec.layers.iter().flat_map(|layer| &layer.mixers);
    mixers.map(Mixer::cache_need)
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
    let mixers = spec.layers.iter().map(|layer| {
        let widths = layer.mixers.iter().map(Mixer::scratch_width);
        widths.max().unwrap_or(0)
    });
    let feed_forward = spec
        .layers
        .iter()
        .filter_map(|layer| layer.feed_forward.as_ref())
        .map(|half| half.scratch_width(spec.hidden));
    let widest = mixers.max().unwrap_or(0) + feed_forward.max().unwrap_or(0);
    let per_layer = spec.per_layer.map_or(0, |table| table.width) * spec.layers.len();
    let widest = widest + 2 * per_layer;
    // The residual stream, its norm and a branch; the kernels' eight-bit copy of the widest row.
    let per_token = (widest + 4 * spec.hidden) * FLOAT_BYTES + widest;
    let logits = batch_tokens.min(EXPECTED_OUTPUTS) * spec.vocab * FLOAT_BYTES;
    (per_token * batch_tokens + logits) as u64
}
