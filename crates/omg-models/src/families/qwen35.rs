//! Qwen 3.5 and 3.6, also inside the multimodal checkpoints: three gated delta nets for each layer of attention, whose output
//! has a gate; with experts or without. GGUF files have the value heads of the delta nets in another order.

use crate::config::{
    BASE, Family, LayerReader, Routing, delta_net, is_recurrent, keys, layer_with, plain_layer,
};
use crate::error::Result;
use crate::spec::{LayerSpec, Mixer, OutputGate, QkNormScope};
use crate::weights::{Name, Role, Transform};

pub(crate) const FAMILY: Family = Family {
    name: "qwen35",
    gguf: &["qwen35"],
    architectures: &["Qwen3_5ForConditionalGeneration", "Qwen3_5ForCausalLM"],
    norm_plus_one: true,
    qk_norm: Some(QkNormScope::Head),
    defaults: &[
        (keys::RMS_EPS, 1e-6),
        (keys::ROPE_THETA, 10_000_000.0),
        (keys::ROPE_FRACTION, 0.25),
        (keys::CONTEXT, 262_144.0),
        (keys::KEY_DIM, 256.0),
        (keys::VALUE_DIM, 256.0),
        (keys::FULL_ATTENTION_INTERVAL, 4.0),
        (keys::STATE_TAPS, 4.0),
    ],
    names: NAMES,
    transforms: &[(Role::StateRate, Transform::NegExp)],
    layer,
    ..BASE
};

/// The experts beside one that all tokens go through.
pub(crate) const WITH_EXPERTS: Family = Family {
    name: "qwen35moe",
    gguf: &["qwen35moe"],
    architectures: &[
        "Qwen3_5MoeForConditionalGeneration",
        "Qwen3_5MoeForCausalLM",
    ],
    routing: Some(Routing::SOFTMAX),
    ..FAMILY
};

#[rustfmt::skip]
const NAMES: &[Name] = &[
    (Role::FeedForwardNorm, "blk.{}.post_attention_norm", "layers.{}.post_attention_layernorm"),
    (Role::StateInput, "blk.{}.attn_qkv", "layers.{}.linear_attn.in_proj_qkv"),
    (Role::StateConvolution, "blk.{}.ssm_conv1d", "layers.{}.linear_attn.conv1d"),
    (Role::StateStepBias, "blk.{}.ssm_dt.bias=", "layers.{}.linear_attn.dt_bias="),
    (Role::StateRate, "blk.{}.ssm_a=", "layers.{}.linear_attn.A_log="),
    (Role::StateNorm, "blk.{}.ssm_norm", "layers.{}.linear_attn.norm"),
    (Role::StateOutput, "blk.{}.ssm_out", "layers.{}.linear_attn.out_proj"),
    (Role::SharedGate, "blk.{}.ffn_gate_shexp", "layers.{}.mlp.shared_expert.gate_proj"),
    (Role::SharedUp, "blk.{}.ffn_up_shexp", "layers.{}.mlp.shared_expert.up_proj"),
    (Role::SharedDown, "blk.{}.ffn_down_shexp", "layers.{}.mlp.shared_expert.down_proj"),
];

fn layer(reader: &LayerReader<'_>, index: usize) -> Result<LayerSpec> {
    if is_recurrent(reader, index)? {
        let net = delta_net(reader, reader.header.is_gguf())?;
        return layer_with(reader, index, Mixer::DeltaNet(net));
    }
    let mut layer = plain_layer(reader, index)?;
    for attention in layer.mixers.iter_mut().filter_map(|m| m.attention_mut()) {
        attention.gate = Some(OutputGate::WithinQuery);
    }
    Ok(layer)
}
