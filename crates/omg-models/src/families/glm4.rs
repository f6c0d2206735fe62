//! GLM-4 of April 2025 (9B and 32B): norms on both sides of both halves, gate and up fused, half of each head turned.

use omg_kernels::Pairing;

use crate::config::{BASE, Family, keys};
use crate::spec::NormPlacement;
use crate::weights::Role;

pub(crate) const FAMILY: Family = Family {
    name: "glm4",
    gguf: &["glm4"],
    architectures: &["Glm4ForCausalLM"],
    norms: NormPlacement::Sandwich,
    gguf_pairing: Pairing::Interleaved,
    config_pairing: Pairing::Interleaved,
    defaults: &[
        (keys::RMS_EPS, 1.5625e-7),
        (keys::CONTEXT, 131_072.0),
        (keys::KV_HEADS, 2.0),
        (keys::KEY_DIM, 128.0),
        (keys::VALUE_DIM, 128.0),
        (keys::ROPE_FRACTION, 0.5),
    ],
    names: &[
        (
            Role::AfterMixerNorm,
            "blk.{}.post_attention_norm",
            "layers.{}.post_self_attn_layernorm",
        ),
        (
            Role::AfterFeedForwardNorm,
            "blk.{}.post_ffw_norm",
            "layers.{}.post_mlp_layernorm",
        ),
    ],
    ..BASE
};
