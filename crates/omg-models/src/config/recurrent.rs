//! Layers with recurrent mixers.

use omg_kernels::RecurrenceShape;

use super::family::LayerReader;
use super::header::{Header, Key, Setting};
use super::keys;
use crate::error::{Error, Result};
use crate::spec::{DeltaNetSpec, Mamba2Spec, NormSpec, ShortConvSpec};
use crate::weights::Role;

/// Larger sizes are no model's, and products of a few of them could overflow.
const LARGEST: usize = 1 << 20;

const UNKNOWN_KIND: &str = "names a kind of layer that the family does not have";

/// Whether a layer is recurrent: as the header lists in one of several ways, or all but the last of so many in a row.
pub(crate) fn is_recurrent(reader: &LayerReader<'_>, layer: usize) -> Result<bool> {
    let header = reader.header;
    let listed = |key: Key| match header.get(key) {
        Some(Setting::List(items)) => match items.get(layer) {
            Some(item) => Ok(Some(item.clone())),
            None => Err(header.wrong(key, "is shorter than the number of layers")),
        },
        _ => Ok(None),
    };
    match listed(keys::LAYER_TYPES)? {
        Some(Setting::Text(kind)) => match kind.as_str() {
            "linear_attention" | "conv" | "mamba" => return Ok(true),
            "full_attention" | "attention" => return Ok(false),
            _ => return Err(header.wrong(keys::LAYER_TYPES, UNKNOWN_KIND)),
        },
        Some(_) => return Err(header.wrong(keys::LAYER_TYPES, UNKNOWN_KIND)),
        None => {}
    }
    match listed(keys::RECURRENT_LAYERS)? {
        Some(Setting::Flag(flag)) => return Ok(flag),
        Some(Setting::Number(number)) => return Ok(number != 0.0),
        Some(_) => return Err(header.wrong(keys::RECURRENT_LAYERS, "is not a list of flags")),
        None => {}
    }
    if let Some(Setting::List(attend)) = header.get(keys::ATTENTION_LAYERS) {
        return Ok(!attend.contains(&Setting::Number(layer as f64)));
    }
    // A list with 0 for layers that have no keys.
    if let Some(Setting::Number(heads)) = listed(keys::KV_HEADS)? {
        return Ok(heads == 0.0);
    }
    let interval = header.required_count(keys::FULL_ATTENTION_INTERVAL)?;
    Ok(!(layer + 1).is_multiple_of(interval))
}

/// The gated delta net of a layer.
pub(crate) fn delta_net(reader: &LayerReader<'_>, tiled: bool) -> Result<DeltaNetSpec> {
    let header = reader.header;
    let heads = size(header, keys::STATE_HEADS)?;
    let key_heads = size(header, keys::STATE_GROUPS)?;
    if heads % key_heads != 0 {
        return Err(header.wrong(keys::STATE_GROUPS, "does not divide the number of heads"));
    }
    let value_dim = match header.is_gguf() {
        true => size(header, keys::STATE_INNER)? / heads,
        false => size(header, keys::STATE_VALUE_DIM)?,
    };
    let shape = RecurrenceShape {
        heads,
        key_heads,
        tiled,
        key_dim: size(header, keys::STATE_SIZE)?,
        value_dim,
        delta: true,
        decay_per_key: false,
    };
    if value_dim == 0 || heads.saturating_mul(shape.key_dim.max(value_dim)) > LARGEST {
        return Err(impossible_size());
    }
    Ok(DeltaNetSpec {
        shape,
        taps: size(header, keys::STATE_TAPS)?,
        // Unlike the other norms of its families it is stored as it is.
        norm: NormSpec {
            plus_one: false,
            bias: false,
            ..reader.norm
        },
    })
}

/// The state space model of a layer.
pub(crate) fn mamba2(reader: &LayerReader<'_>, layer: usize) -> Result<Mamba2Spec> {
    let header = reader.header;
    let heads = size(header, keys::STATE_HEADS)?;
    let groups = size(header, keys::STATE_GROUPS)?;
    let inner = match header.is_gguf() {
        true => size(header, keys::STATE_INNER)?,
        false => {
            let expand = header.number(keys::STATE_EXPAND)?.unwrap_or(2.0);
            (reader.hidden as f64 * expand) as usize
        }
    };
    if heads % groups != 0 {
        return Err(header.wrong(keys::STATE_GROUPS, "does not divide the number of heads"));
    }
    if inner == 0 || inner % heads != 0 {
        return Err(header.wrong(keys::STATE_HEADS, "does not divide the width of the state"));
    }
    let shape = RecurrenceShape {
        heads,
        key_heads: groups,
        tiled: false,
        key_dim: size(header, keys::STATE_SIZE)?,
        value_dim: inner / heads,
        delta: false,
        decay_per_key: false,
    };
    if inner.max(heads.saturating_mul(shape.key_dim)) > LARGEST {
        return Err(impossible_size());
    }
    Ok(Mamba2Spec {
        shape,
        taps: size(header, keys::STATE_TAPS)?,
        conv_bias: reader.has_bias(Role::StateConvolution, layer),
        norm: reader
            .has_weight(Role::StateNorm, layer)
            .then_some(NormSpec {
                bias: false,
                ..reader.norm
            }),
        bias: reader.has_bias(Role::StateInput, layer),
        step_limits: step_limits(header)?,
    })
}

fn step_limits(header: &Header<'_>) -> Result<(f32, f32)> {
    let Some(setting) = header.get(keys::STEP_LIMITS) else {
        return Ok((0.0, f32::INFINITY));
    };
    match &setting {
        Setting::List(limits) => match limits[..] {
            [Setting::Number(low), Setting::Number(high)] if low <= high => {
                Ok((low as f32, high as f32))
            }
            _ => Err(header.wrong(keys::STEP_LIMITS, "is not a range")),
        },
        _ => Err(header.wrong(keys::STEP_LIMITS, "is not a range")),
    }
}

fn impossible_size() -> Error {
    Error::Unsupported {
        what: "a recurrent state of an impossible size".to_owned(),
    }
}

/// The gated convolution of a layer.
pub(crate) fn short_conv(reader: &LayerReader<'_>, layer: usize) -> Result<ShortConvSpec> {
    Ok(ShortConvSpec {
        width: reader.hidden,
        taps: size(reader.header, keys::SHORT_CONV_TAPS)?,
        bias: reader.has_bias(Role::StateInput, layer),
    })
}

fn size(header: &Header<'_>, key: Key) -> Result<usize> {
    match header.required_count(key)? {
        size if size <= LARGEST => Ok(size),
        _ => Err(header.wrong(key, "is larger than any model's")),
    }
}
