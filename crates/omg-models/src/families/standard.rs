use omg_kernels::{Activation, Mask};

use super::header::{Header, Setting};
use super::{Bias, Block, Family, keys, rope, windows};
use crate::error::{Error, Result};
use crate::spec::{
    AttentionBias, AttentionSpec, FeedForward, GatedSpec, HeadSpec, LayerNorms, LayerSpec, Mixer,
    ModelSpec, NormKind, NormSpec, QkNorm,
};
use crate::weights::{Role, TensorNames};

/// Builds the spec that a family's columns and a header describe.
pub(super) fn spec(header: &Header<'_>, family: &Family) -> Result<ModelSpec> {
    if header.count(keys::EXPERTS)?.unwrap_or(0) > 1 {
        return Err(Error::Unsupported {
            what: "a mixture of experts".to_owned(),
        });
    }
    let names = TensorNames::find(header.files(), family.names)?;
    let hidden = header.required_count(keys::HIDDEN)?;
    let layer_count = layer_count(header)?;
    let norm = norm(header, family)?;
    let attention = attention_layers(header, family, &names, norm, layer_count)?;
    let feed_forward = feed_forward_layers(header, family, &names, layer_count)?;
    let sandwich = (family.block == Block::Sandwich).then_some(norm);
    let layers = attention
        .into_iter()
        .zip(feed_forward)
        .map(|(attention, feed_forward)| LayerSpec {
            mixer: Mixer::Attention(attention),
            feed_forward,
            norms: LayerNorms {
                before_mixer: Some(norm),
                after_mixer: sandwich,
                before_feed_forward: Some(norm),
                after_feed_forward: sandwich,
            },
            residual_scale: 1.0,
        });
    let context_length = header.required_count(keys::CONTEXT)?;
    let mut spec = ModelSpec {
        architecture: family.name,
        hidden,
        vocab: vocab(header, &names)?,
        context_length,
        served_context: context_length,
        embedding_scale: 1.0,
        layers: layers.collect(),
        final_norm: norm,
        head: HeadSpec {
            // Files are trusted before flags: a head that is stored is used.
            tied: !header.has_tensor(&names.weight(Role::Head, 0)),
            bias: header.has_tensor(&names.bias(Role::Head, 0)),
            scale: 1.0,
            softcap: None,
        },
        names,
    };
    (family.adjust)(header, &mut spec)?;
    Ok(spec)
}

/// The layers that run: files may end in blocks that only predict further tokens ahead.
pub(super) fn layer_count(header: &Header<'_>) -> Result<usize> {
    let stored = header.required_count(keys::LAYERS)?;
    let extra = header.count(keys::EXTRA_PREDICTION_LAYERS)?.unwrap_or(0);
    // Each layer has tensors of its own, so more layers than tensors is a lie that must not size anything.
    if extra >= stored || stored > header.files().tensors().len() {
        return Err(header.wrong(keys::LAYERS, "does not agree with the tensors of the file"));
    }
    Ok(stored - extra)
}

/// The tensor list knows: tokenizers may have fewer tokens, and configs may say either.
pub(super) fn vocab(header: &Header<'_>, names: &TensorNames) -> Result<usize> {
    let name = names.weight(Role::Embedding, 0);
    match header.files().tensor(&name) {
        Some(tensor) if tensor.shape.len() == 2 && tensor.shape[0] > 0 => Ok(tensor.shape[0]),
        Some(tensor) => Err(Error::TensorShape {
            name,
            expected: vec![0, 0],
            found: tensor.shape.clone(),
        }),
        None => Err(Error::MissingTensor { name }),
    }
}

fn norm(header: &Header<'_>, family: &Family) -> Result<NormSpec> {
    let key = match family.norm {
        NormKind::Rms => keys::RMS_EPS,
        NormKind::Layer => keys::LAYER_NORM_EPS,
    };
    let eps = header.float(key)?.filter(|eps| (0.0..1.0).contains(eps));
    Ok(NormSpec {
        kind: family.norm,
        eps: eps.ok_or_else(|| header.wrong(key, "is missing or not a small number"))?,
        plus_one: family.norm_plus_one && !header.is_gguf(),
    })
}

fn attention_layers(
    header: &Header<'_>,
    family: &Family,
    names: &TensorNames,
    norm: NormSpec,
    layers: usize,
) -> Result<Vec<AttentionSpec>> {
    let heads = header.count_per_layer(keys::HEADS, layers)?;
    let heads = heads.ok_or_else(|| header.wrong(keys::HEADS, "is missing"))?;
    let kv_heads = header
        .count_per_layer(keys::KV_HEADS, layers)?
        .unwrap_or_else(|| heads.clone());
    let windows = windows::read(header, family.windows, layers)?;
    let hidden = header.required_count(keys::HIDDEN)?;
    let pairing = if header.is_gguf() {
        family.gguf_pairing
    } else {
        family.config_pairing
    };
    let layer = |index: usize| -> Result<AttentionSpec> {
        let (heads, kv_heads) = (heads[index], kv_heads[index]);
        if heads == 0 || kv_heads == 0 || heads % kv_heads != 0 {
            return Err(header.wrong(keys::KV_HEADS, "does not divide the number of heads"));
        }
        let key_dim = header.count(keys::KEY_DIM)?.unwrap_or(hidden / heads);
        let value_dim = header.count(keys::VALUE_DIM)?.unwrap_or(key_dim);
        if key_dim == 0 || value_dim == 0 || heads.saturating_mul(key_dim.max(value_dim)) > 1 << 24
        {
            return Err(header.wrong(keys::KEY_DIM, "gives heads of an impossible size"));
        }
        Ok(AttentionSpec {
            heads,
            kv_heads,
            key_dim,
            value_dim,
            bias: biases(header, family, names, index),
            qk_norm: family.qk_norm.map(|scope| QkNorm { scope, norm }),
            rope: Some(rope::read(
                header,
                pairing,
                key_dim,
                windows[index].is_some(),
            )?),
            scale: header
                .float(keys::ATTENTION_SCALE)?
                .unwrap_or((key_dim as f32).sqrt().recip()),
            softcap: header
                .float(keys::ATTENTION_SOFTCAP)?
                .filter(|cap| *cap > 0.0),
            mask: windows[index].map_or(Mask::Causal, Mask::Window),
        })
    };
    (0..layers).map(layer).collect()
}

fn biases(
    header: &Header<'_>,
    family: &Family,
    names: &TensorNames,
    layer: usize,
) -> AttentionBias {
    let stored = |role| header.has_tensor(&names.bias(role, layer));
    let fused = stored(Role::QueryKeyValue) || family.qkv_bias == Bias::Required;
    AttentionBias {
        query: fused || stored(Role::Query),
        key: fused || stored(Role::Key),
        value: fused || stored(Role::Value),
        output: stored(Role::AttentionOutput),
    }
}

fn feed_forward_layers(
    header: &Header<'_>,
    family: &Family,
    names: &TensorNames,
    layers: usize,
) -> Result<Vec<FeedForward>> {
    let widths = header.count_per_layer(keys::FEED_FORWARD, layers)?;
    let widths = widths.ok_or_else(|| header.wrong(keys::FEED_FORWARD, "is missing"))?;
    if widths.contains(&0) {
        return Err(header.wrong(keys::FEED_FORWARD, "is zero"));
    }
    let activation = activation(header, family.activation)?;
    let stored = |role, layer| header.has_tensor(&names.bias(role, layer));
    let gated = widths.into_iter().enumerate().map(|(layer, width)| {
        FeedForward::Gated(GatedSpec {
            width,
            activation,
            gate_bias: stored(Role::Gate, layer),
            up_bias: stored(Role::Up, layer),
            down_bias: stored(Role::Down, layer),
        })
    });
    Ok(gated.collect())
}

pub(super) fn activation(header: &Header<'_>, default: Activation) -> Result<Activation> {
    match header.get(keys::ACTIVATION) {
        None => Ok(default),
        Some(Setting::Text(name)) => match name.as_str() {
            "silu" | "swish" => Ok(Activation::Silu),
            "gelu_pytorch_tanh" | "gelu_new" | "gelu_fast" => Ok(Activation::GeluTanh),
            "gelu" => Ok(Activation::GeluErf),
            other => Err(Error::Unsupported {
                what: format!("the activation `{other}`"),
            }),
        },
        Some(_) => Err(header.wrong(keys::ACTIVATION, "is not a text")),
    }
}
