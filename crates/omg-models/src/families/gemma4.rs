//! Gemma 4 text models, dense, also inside the multimodal checkpoints: values are normed, layers without a window have larger
//! heads and may have their keys as values, the last layers read the keys and values of earlier ones, and the E models give
//! each layer a vector of each token.

use omg_kernels::Activation;

use crate::config::{BASE, Family, Header, LayerReader, Windows, keys, plain_layer};
use crate::error::{Error, Result};
use crate::spec::{
    KeysValues, LayerSpec, ModelSpec, NormPlacement, PerLayerSpec, PerLayerTable, QkNormScope,
};
use crate::weights::Role;

pub(crate) const FAMILY: Family = Family {
    name: "gemma4",
    gguf: &["gemma4"],
    architectures: &["Gemma4ForConditionalGeneration", "Gemma4ForCausalLM"],
    norms: NormPlacement::Sandwich,
    activation: Activation::GeluTanh,
    qk_norm: Some(QkNormScope::Head),
    windows: Windows::Pattern(6),
    defaults: &[
        (keys::RMS_EPS, 1e-6),
        (keys::CONTEXT, 131_072.0),
        (keys::HEADS, 8.0),
        (keys::KV_HEADS, 4.0),
        (keys::KEY_DIM, 256.0),
        (keys::KEY_DIM_FULL, 512.0),
        (keys::WINDOW, 512.0),
        (keys::ROPE_THETA_WINDOW, 10_000.0),
        (keys::ATTENTION_SCALE, 1.0),
    ],
    names: &[(
        Role::FeedForwardNorm,
        "blk.{}.ffn_norm",
        "layers.{}.pre_feedforward_layernorm",
    )],
    layer,
    adjust: embeddings,
    ..BASE
};

fn layer(reader: &LayerReader<'_>, index: usize) -> Result<LayerSpec> {
    let mut layer = plain_layer(reader, index)?;
    let (header, windows) = (reader.header, &reader.windows);
    let own = reader.layers_with_own_cache()?;
    let owner = (0..own).rfind(|other| windows[*other].is_some() == windows[index].is_some());
    for attention in layer.mixers.iter_mut().filter_map(|m| m.attention_mut()) {
        attention.value_norm = Some(reader.norm.weightless());
        attention.keys_values = match (index < own, owner) {
            (false, Some(owner)) => KeysValues::OfLayer(owner),
            (false, None) => return Err(header.wrong(keys::SHARED_KV_LAYERS, "leaves no owner")),
            (true, _) if reader.has_weight(Role::Value, index) => KeysValues::Projected,
            (true, _) => KeysValues::ValueFromKey,
        };
    }
    let double = index >= own && header.flag(keys::DOUBLE_WIDTH)?.unwrap_or(false);
    if let Some(half) = layer.feed_forward.as_mut().filter(|_| double) {
        half.widen(2);
    }
    let width = header.count(keys::PER_LAYER_WIDTH)?;
    layer.per_layer = width.filter(|width| *width > 0).map(|width| PerLayerSpec {
        width,
        activation: Activation::GeluTanh,
        norm: reader.norm,
    });
    layer.output_scale = reader.has_weight(Role::OutputScale, index);
    Ok(layer)
}

fn embeddings(header: &Header<'_>, spec: &mut ModelSpec) -> Result<()> {
    if header.text(keys::BIDIRECTIONAL)?.as_deref() == Some("all") {
        let what = "attention to later tokens in a decoder".to_owned();
        return Err(Error::Unsupported { what });
    }
    spec.embedding_scale = (spec.hidden as f32).sqrt();
    spec.head.softcap = header.float(keys::LOGIT_SOFTCAP)?.filter(|cap| *cap > 0.0);
    let width = spec.layers.first().and_then(|layer| layer.per_layer);
    spec.per_layer = width.map(|layer| PerLayerTable {
        width: layer.width,
        rows: spec.vocab,
        norm: layer.norm,
    });
    Ok(())
}
