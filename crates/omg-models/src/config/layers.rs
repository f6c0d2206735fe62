use super::attention::attention;
use super::family::LayerReader;
use super::feed_forward::feed_forward;
use crate::error::Result;
use crate::spec::{Halves, LayerNorms, LayerSpec, Mixer};

/// Attention and a feed-forward half, as the columns of the family say.
pub(crate) fn plain_layer(reader: &LayerReader<'_>, layer: usize) -> Result<LayerSpec> {
    let mixer = Mixer::Attention(attention(reader, layer)?);
    layer_with(reader, layer, mixer)
}

/// A layer with another mixer, which needs no heads in the header.
pub(crate) fn layer_with(
    reader: &LayerReader<'_>,
    layer: usize,
    mixer: Mixer,
) -> Result<LayerSpec> {
    let mut norms = LayerNorms::placed(reader.family.norms, reader.norm);
    if reader.family.halves == Halves::Parallel {
        // The one norm serves both halves.
        norms.before_feed_forward = None;
    }
    Ok(LayerSpec {
        mixers: vec![mixer],
        feed_forward: Some(feed_forward(reader, layer)?),
        norms,
        halves: reader.family.halves,
        per_layer: None,
        residual_scale: 1.0,
        output_scale: false,
    })
}
