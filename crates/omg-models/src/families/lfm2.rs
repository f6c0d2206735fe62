//! LFM2 and 2.5: short gated convolutions for most layers, attention for the others; with experts in all but the first layers,
//! or without.

use omg_kernels::Mask;

use crate::config::{
    BASE, Family, Header, LayerReader, Routing, is_recurrent, keys, layer_with, plain_layer,
    short_conv,
};
use crate::error::Result;
use crate::spec::{LayerSpec, Mixer, ModelSpec, QkNormScope, Score};
use crate::weights::{Name, Role};

pub(crate) const FAMILY: Family = Family {
    name: "lfm2",
    gguf: &["lfm2"],
    architectures: &["Lfm2ForCausalLM"],
    qk_norm: Some(QkNormScope::Head),
    defaults: &[
        (keys::RMS_EPS, 1e-5),
        (keys::ROPE_THETA, 1_000_000.0),
        (keys::CONTEXT, 128_000.0),
        (keys::SHORT_CONV_TAPS, 3.0),
    ],
    names: NAMES,
    layer,
    adjust,
    ..BASE
};

pub(crate) const WITH_EXPERTS: Family = Family {
    name: "lfm2moe",
    gguf: &["lfm2moe"],
    architectures: &["Lfm2MoeForCausalLM"],
    routing: Some(Routing {
        score: Score::Sigmoid,
        ..Routing::SOFTMAX
    }),
    ..FAMILY
};

#[rustfmt::skip]
const NAMES: &[Name] = &[
    (Role::FinalNorm, "token_embd_norm", "embedding_norm"),
    (Role::MixerNorm, "blk.{}.attn_norm", "layers.{}.operator_norm"),
    (Role::FeedForwardNorm, "blk.{}.ffn_norm", "layers.{}.ffn_norm"),
    (Role::AttentionOutput, "blk.{}.attn_output", "layers.{}.self_attn.out_proj"),
    (Role::QueryNorm, "blk.{}.attn_q_norm", "layers.{}.self_attn.q_layernorm"),
    (Role::KeyNorm, "blk.{}.attn_k_norm", "layers.{}.self_attn.k_layernorm"),
    (Role::StateInput, "blk.{}.shortconv.in_proj", "layers.{}.conv.in_proj"),
    (Role::StateConvolution, "blk.{}.shortconv.conv", "layers.{}.conv.conv"),
    (Role::StateOutput, "blk.{}.shortconv.out_proj", "layers.{}.conv.out_proj"),
    (Role::Gate, "blk.{}.ffn_gate", "layers.{}.feed_forward.w1"),
    (Role::Up, "blk.{}.ffn_up", "layers.{}.feed_forward.w3"),
    (Role::Down, "blk.{}.ffn_down", "layers.{}.feed_forward.w2"),
    (Role::Router, "blk.{}.ffn_gate_inp", "layers.{}.feed_forward.gate"),
    (Role::RouterCorrection, "blk.{}.exp_probs_b.bias", "layers.{}.feed_forward.expert_bias"),
    (Role::ExpertGate, "blk.{}.ffn_gate_exps", "layers.{}.feed_forward.experts.{e}.w1"),
    (Role::ExpertUp, "blk.{}.ffn_up_exps", "layers.{}.feed_forward.experts.{e}.w3"),
    (Role::ExpertDown, "blk.{}.ffn_down_exps", "layers.{}.feed_forward.experts.{e}.w2"),
    (Role::ExpertGateUp, "blk.{}.ffn_gate_up_exps", "layers.{}.feed_forward.experts.gate_up_proj"),
    (Role::ExpertDownFused, "blk.{}.ffn_down_exps", "layers.{}.feed_forward.experts.down_proj"),
];

/// Ollama's converter calls the last norm what it is.
const OLLAMA_NAMES: &[Name] = NAMES.split_at(1).1;

fn adjust(header: &Header<'_>, spec: &mut ModelSpec) -> Result<()> {
    if !header.has_tensor(&spec.names.weight(Role::FinalNorm, 0)) {
        spec.names = spec.names.clone().with_changed(OLLAMA_NAMES);
    }
    Ok(())
}

fn layer(reader: &LayerReader<'_>, index: usize) -> Result<LayerSpec> {
    let mut layer = match is_recurrent(reader, index)? {
        true => layer_with(reader, index, Mixer::ShortConv(short_conv(reader, index)?))?,
        false => plain_layer(reader, index)?,
    };
    let window = reader.header.count(keys::WINDOW)?;
    for attention in layer.mixers.iter_mut().filter_map(|m| m.attention_mut()) {
        attention.mask = window
            .filter(|size| *size > 0)
            .map_or(Mask::Causal, Mask::Window);
    }
    reader.take_stored_width(index, &mut layer);
    Ok(layer)
}
