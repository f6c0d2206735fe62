//! GPT-2: learned positions, LayerNorm, a plain feed-forward half, and matrices that checkpoints store the other way round.

use omg_kernels::Activation;

use crate::config::{BASE, Family, RopeLayers, keys};
use crate::spec::NormKind;
use crate::weights::{Role, Transform};

pub(crate) const FAMILY: Family = Family {
    name: "gpt2",
    gguf: &["gpt2"],
    architectures: &["GPT2LMHeadModel"],
    norm: NormKind::Layer,
    activation: Activation::GeluTanh,
    gated: false,
    rope_layers: RopeLayers::None,
    defaults: &[(keys::LAYER_NORM_EPS, 1e-5), (keys::CONTEXT, 1024.0)],
    names: &[
        (Role::Embedding, "token_embd", "wte"),
        (Role::Positions, "position_embd", "wpe"),
        (Role::FinalNorm, "output_norm", "ln_f"),
        (Role::MixerNorm, "blk.{}.attn_norm", "h.{}.ln_1"),
        (Role::FeedForwardNorm, "blk.{}.ffn_norm", "h.{}.ln_2"),
        (Role::QueryKeyValue, "blk.{}.attn_qkv", "h.{}.attn.c_attn"),
        (
            Role::AttentionOutput,
            "blk.{}.attn_output",
            "h.{}.attn.c_proj",
        ),
        (Role::Up, "blk.{}.ffn_up", "h.{}.mlp.c_fc"),
        (Role::Down, "blk.{}.ffn_down", "h.{}.mlp.c_proj"),
    ],
    transforms: &[
        (Role::QueryKeyValue, Transform::Transpose),
        (Role::AttentionOutput, Transform::Transpose),
        (Role::Up, Transform::Transpose),
        (Role::Down, Transform::Transpose),
    ],
    adjust: |header, spec| {
        if header.flag(keys::SCALE_BY_LAYER)?.unwrap_or(false) {
            for (layer, attention) in spec.attention_mut() {
                attention.scale /= (layer + 1) as f32;
            }
        }
        Ok(())
    },
    ..BASE
};
