//! Gemma 2: as Gemma 3 with one rope, every other layer windowed, capped scores and logits, no norm on queries and keys.

use omg_kernels::Activation;

use super::header::Header;
use super::{BASE, Block, Family, keys, windows::Windows};
use crate::error::Result;
use crate::spec::ModelSpec;
use crate::weights::Role;

pub(super) const FAMILY: Family = Family {
    name: "gemma2",
    gguf: &["gemma2"],
    architectures: &["Gemma2ForCausalLM"],
    block: Block::Sandwich,
    norm_plus_one: true,
    activation: Activation::GeluTanh,
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
    names: &[(
        Role::FeedForwardNorm,
        "blk.{}.ffn_norm",
        "layers.{}.pre_feedforward_layernorm",
    )],
    adjust,
    ..BASE
};

fn adjust(header: &Header<'_>, spec: &mut ModelSpec) -> Result<()> {
    scales(header, spec, 46)
}

/// The scales of Gemma 2 and 3; `layers_of_27b` tells the one size whose attention scale differs.
pub(super) fn scales(
    header: &Header<'_>,
    spec: &mut ModelSpec,
    layers_of_27b: usize,
) -> Result<()> {
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
