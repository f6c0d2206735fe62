//! Gemma 1, 2 and 3 text models, also inside the multimodal checkpoints: embeddings scaled by √hidden and, since 2, norms on
//! both sides of both halves. Gemma 2 windows every other layer and caps scores and logits; Gemma 3 norms queries and keys, and
//! has five windowed layers, with a rope of their own, for each full one.

use omg_kernels::Activation;

use crate::config::{BASE, Family, Header, Windows, keys};
use crate::error::Result;
use crate::spec::{ModelSpec, NormPlacement, QkNormScope};
use crate::weights::Role;

/// What both have in common.
const GEMMA: Family = Family {
    norms: NormPlacement::Sandwich,
    norm_plus_one: true,
    activation: Activation::GeluTanh,
    names: &[(
        Role::FeedForwardNorm,
        "blk.{}.ffn_norm",
        "layers.{}.pre_feedforward_layernorm",
    )],
    ..BASE
};

pub(crate) const GEMMA1: Family = Family {
    name: "gemma",
    gguf: &["gemma"],
    architectures: &["GemmaForCausalLM"],
    norm_plus_one: true,
    activation: Activation::GeluTanh,
    defaults: &[
        (keys::RMS_EPS, 1e-6),
        (keys::CONTEXT, 8192.0),
        (keys::KEY_DIM, 256.0),
        (keys::VALUE_DIM, 256.0),
    ],
    adjust: |_, spec| {
        spec.embedding_scale = (spec.hidden as f32).sqrt();
        // The first configs say `gelu` and mean this.
        let halves = spec.layers.iter_mut();
        for half in halves.filter_map(|layer| layer.feed_forward.as_mut()) {
            half.set_activation(Activation::GeluTanh);
        }
        Ok(())
    },
    ..BASE
};

pub(crate) const GEMMA2: Family = Family {
    name: "gemma2",
    gguf: &["gemma2"],
    architectures: &["Gemma2ForCausalLM"],
    windows: Windows::Pattern(2),
    defaults: &[
        (keys::RMS_EPS, 1e-6),
        (keys::CONTEXT, 8192.0),
        (keys::HEADS, 8.0),
        (keys::KV_HEADS, 4.0),
        (keys::KEY_DIM, 256.0),
        (keys::VALUE_DIM, 256.0),
        (keys::WINDOW, 4096.0),
        (keys::ROPE_THETA, 10_000.0),
        (keys::ATTENTION_SOFTCAP, 50.0),
        (keys::LOGIT_SOFTCAP, 30.0),
    ],
    adjust: |header, spec| scales(header, spec, 46),
    ..GEMMA
};

pub(crate) const GEMMA3: Family = Family {
    name: "gemma3",
    gguf: &["gemma3"],
    architectures: &["Gemma3ForCausalLM", "Gemma3ForConditionalGeneration"],
    qk_norm: Some(QkNormScope::Head),
    windows: Windows::Pattern(6),
    // The configs of the multimodal checkpoints leave out what equals the class's defaults.
    defaults: &[
        (keys::RMS_EPS, 1e-6),
        (keys::CONTEXT, 131_072.0),
        (keys::HEADS, 8.0),
        (keys::KV_HEADS, 4.0),
        (keys::KEY_DIM, 256.0),
        (keys::VALUE_DIM, 256.0),
        (keys::WINDOW, 4096.0),
        (keys::ROPE_THETA, 1_000_000.0),
        (keys::ROPE_THETA_WINDOW, 10_000.0),
    ],
    adjust: |header, spec| scales(header, spec, 62),
    ..GEMMA
};

/// `layers_of_27b` tells the one size whose attention scale differs.
fn scales(header: &Header<'_>, spec: &mut ModelSpec, layers_of_27b: usize) -> Result<()> {
    let hidden = spec.hidden as f32;
    spec.embedding_scale = hidden.sqrt();
    let is_27b = spec.layers.len() == layers_of_27b;
    let query_pre_scale = header.float(keys::QUERY_PRE_SCALE)?;
    for (_, attention) in spec.attention_mut() {
        // GGUF files do not hold the divisor: only the 27B differs from the head's size.
        let gguf_divisor = if is_27b {
            hidden / attention.heads as f32
        } else {
            attention.key_dim as f32
        };
        let divisor = if header.is_gguf() {
            gguf_divisor
        } else {
            query_pre_scale.unwrap_or(256.0)
        };
        attention.scale = divisor.sqrt().recip();
    }
    spec.head.softcap = header.float(keys::LOGIT_SOFTCAP)?.filter(|cap| *cap > 0.0);
    Ok(())
}
