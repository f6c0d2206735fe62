use super::counts::activation;
use super::experts::experts;
use super::family::LayerReader;
use super::keys;
use crate::error::Result;
use crate::spec::{FeedForward, GatedSpec, PlainSpec};
use crate::weights::Role;

/// The feed-forward half of a layer.
pub(crate) fn feed_forward(reader: &LayerReader<'_>, layer: usize) -> Result<FeedForward> {
    let header = reader.header;
    let activation = activation(header, reader.family.activation)?;
    if let Some(experts) = experts(reader, activation, layer)? {
        return Ok(FeedForward::Experts(experts));
    }
    let widths = header.count_per_layer(keys::FEED_FORWARD, reader.count)?;
    // GPT-2 leaves out what is four times as wide as the model.
    let width = widths.map_or(4 * reader.hidden, |all| all[layer]);
    if width == 0 {
        return Err(header.wrong(keys::FEED_FORWARD, "is zero"));
    }
    let (up_bias, down_bias) = (
        reader.has_bias(Role::Up, layer),
        reader.has_bias(Role::Down, layer),
    );
    Ok(match reader.family.gated {
        true => FeedForward::Gated(GatedSpec {
            width,
            activation,
            gate_bias: reader.has_bias(Role::Gate, layer),
            up_bias,
            down_bias,
        }),
        false => FeedForward::Plain(PlainSpec {
            width,
            activation,
            up_bias,
            down_bias,
        }),
    })
}
