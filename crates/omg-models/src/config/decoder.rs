use omg_kernels::{Activation, Mask, Pairing};

use super::header::{Header, Key};
use super::layers::{activation, layer_count, vocab};
use super::windows::Windows;
use super::{keys, rope, windows};
use crate::error::{Error, Result};
use crate::spec::{
    AttentionBias, AttentionSpec, FeedForward, GatedSpec, Halves, HeadSpec, LayerNorms, LayerSpec,
    Mixer, ModelSpec, NormKind, NormPlacement, NormSpec, QkNorm, QkNormScope,
};
use crate::weights::{Name, Role, TensorNames};

/// One row of the table of families.
pub(crate) struct Family {
    pub(crate) name: &'static str,
    /// `general.architecture` of its GGUF files.
    pub(crate) gguf: &'static [&'static str],
    /// `architectures` of its `config.json`.
    pub(crate) architectures: &'static [&'static str],
    pub(crate) norms: NormPlacement,
    pub(crate) halves: Halves,
    pub(crate) norm: NormKind,
    /// Safetensors store norm weights minus one.
    pub(crate) norm_plus_one: bool,
    pub(crate) activation: Activation,
    pub(crate) qkv_bias: Bias,
    pub(crate) qk_norm: Option<QkNormScope>,
    /// Pairs of the rope in GGUF files: interleaved where the converter permutes query and key rows.
    pub(crate) gguf_pairing: Pairing,
    pub(crate) config_pairing: Pairing,
    pub(crate) windows: Windows,
    /// What headers may leave out.
    pub(crate) defaults: &'static [(Key, f64)],
    /// Tensor names that differ from the standard ones.
    pub(crate) names: &'static [Name],
    pub(crate) adjust: fn(&Header<'_>, &mut ModelSpec) -> Result<()>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bias {
    /// Added where the file has one.
    Stored,
    Required,
}

/// The plain Llama block that families are compared with.
pub(crate) const BASE: Family = Family {
    name: "",
    gguf: &[],
    architectures: &[],
    norms: NormPlacement::Pre,
    halves: Halves::Sequential,
    norm: NormKind::Rms,
    norm_plus_one: false,
    activation: Activation::Silu,
    qkv_bias: Bias::Stored,
    qk_norm: None,
    gguf_pairing: Pairing::HalfSplit,
    config_pairing: Pairing::HalfSplit,
    windows: Windows::Never,
    defaults: &[],
    names: &[],
    adjust: |_, _| Ok(()),
};

/// Builds the spec that a family's columns and a header describe.
pub(crate) fn decoder_spec(header: &Header<'_>, family: &Family) -> Result<ModelSpec> {
    if header.count(keys::EXPERTS)?.unwrap_or(0) > 1 {
        return Err(Error::Unsupported {
            what: "a mixture of experts".to_owned(),
        });
    }
    let names = TensorNames::find(header.files(), family.names)?;
    let hidden = header.required_count(keys::HIDDEN)?;
    let layer_count = layer_count(header)?;
    let norm = norm(header, family, &names)?;
    let attention = attention_layers(header, family, &names, norm, layer_count)?;
    let feed_forward = feed_forward_layers(header, family, &names, layer_count)?;
    let layers = attention
        .into_iter()
        .zip(feed_forward)
        .map(|(attention, feed_forward)| LayerSpec {
            mixers: vec![Mixer::Attention(attention)],
            feed_forward: Some(feed_forward),
            norms: LayerNorms::placed(family.norms, norm),
            halves: family.halves,
            residual_scale: 1.0,
            output_scale: false,
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

fn norm(header: &Header<'_>, family: &Family, names: &TensorNames) -> Result<NormSpec> {
    let key = match family.norm {
        NormKind::Rms => keys::RMS_EPS,
        NormKind::Layer => keys::LAYER_NORM_EPS,
    };
    let eps = header.float(key)?.filter(|eps| (0.0..1.0).contains(eps));
    Ok(NormSpec {
        kind: family.norm,
        eps: eps.ok_or_else(|| header.wrong(key, "is missing or not a small number"))?,
        weight: true,
        bias: header.has_tensor(&names.bias(Role::FinalNorm, 0)),
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
