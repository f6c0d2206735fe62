//! Granite 3 and 4, and MiniCPM: Llama with factors of embeddings, branches and logits; Granite 4 also with Mamba-2 in most
//! layers and with experts.

use omg_kernels::Pairing;

use crate::config::{
    BASE, Family, Header, LayerReader, Routing, is_recurrent, keys, layer_with, mamba2, plain_layer,
};
use crate::error::Result;
use crate::spec::{LayerSpec, Mixer, ModelSpec};
use crate::weights::{Name, Role, Transform};

pub(crate) const GRANITE: Family = Family {
    name: "granite",
    gguf: &["granite"],
    architectures: &["GraniteForCausalLM"],
    gguf_pairing: Pairing::Interleaved,
    defaults: &[(keys::RMS_EPS, 1e-6), (keys::CONTEXT, 2048.0)],
    adjust: |header, spec| {
        let divisor = header.float(keys::LOGIT_DIVISOR)?.unwrap_or(1.0);
        let branch = header.float(keys::RESIDUAL_SCALE)?.unwrap_or(1.0);
        scale(header, spec, 1.0, branch, divisor.recip())
    },
    ..BASE
};

pub(crate) const HYBRID: Family = Family {
    name: "granitehybrid",
    gguf: &["granitehybrid"],
    architectures: &["GraniteMoeHybridForCausalLM"],
    routing: Some(Routing::SOFTMAX),
    defaults: &[
        (keys::RMS_EPS, 1e-6),
        (keys::CONTEXT, 2048.0),
        (keys::STATE_TAPS, 4.0),
        (keys::STATE_GROUPS, 1.0),
    ],
    names: HYBRID_NAMES,
    transforms: &[(Role::StateRate, Transform::NegExp)],
    layer: hybrid_layer,
    ..GRANITE
};

/// The shared expert is the whole feed-forward half where there are no others.
#[rustfmt::skip]
const HYBRID_NAMES: &[Name] = &[
    (Role::GateUp, "blk.{}.ffn_up", "layers.{}.shared_mlp.input_linear"),
    (Role::Down, "blk.{}.ffn_down", "layers.{}.shared_mlp.output_linear"),
    (Role::SharedGateUp, "blk.{}.ffn_gate_up_shexp", "layers.{}.shared_mlp.input_linear"),
    (Role::SharedDown, "blk.{}.ffn_down_shexp", "layers.{}.shared_mlp.output_linear"),
    (Role::Router, "blk.{}.ffn_gate_inp", "layers.{}.block_sparse_moe.router.layer"),
    (Role::ExpertGateUp, "blk.{}.ffn_gate_up_exps", "layers.{}.block_sparse_moe.input_linear"),
    (Role::ExpertDownFused, "blk.{}.ffn_down_exps", "layers.{}.block_sparse_moe.output_linear"),
];

fn hybrid_layer(reader: &LayerReader<'_>, index: usize) -> Result<LayerSpec> {
    let header = reader.header;
    let mut layer = match is_recurrent(reader, index)? {
        true => layer_with(reader, index, Mixer::Mamba2(mamba2(reader, index)?))?,
        false => plain_layer(reader, index)?,
    };
    let turned = match header.is_gguf() {
        true => header.flag(keys::ROPE_FINETUNED)?.unwrap_or(true),
        false => header.text(keys::POSITION_KIND)?.as_deref() == Some("rope"),
    };
    for attention in layer.mixers.iter_mut().filter_map(|m| m.attention_mut()) {
        attention.rope = attention.rope.take().filter(|_| turned);
    }
    reader.take_stored_width(index, &mut layer);
    Ok(layer)
}

pub(crate) const MINICPM: Family = Family {
    name: "minicpm",
    gguf: &["minicpm"],
    architectures: &["MiniCPMForCausalLM"],
    gguf_pairing: Pairing::Interleaved,
    defaults: &[(keys::RMS_EPS, 1e-5), (keys::CONTEXT, 2048.0)],
    adjust: |header, spec| {
        // Old GGUF files hold none of them; these are those of the first models.
        let depth = header.float(keys::DEPTH_SCALE)?.unwrap_or(1.4);
        let branch = header.float(keys::RESIDUAL_SCALE)?;
        let branch = branch.unwrap_or(depth / (spec.layers.len() as f32).sqrt());
        let base = header.float(keys::BASE_WIDTH)?.unwrap_or(256.0);
        let divisor = header.float(keys::LOGIT_DIVISOR)?;
        let divisor = divisor.unwrap_or(spec.hidden as f32 / base);
        scale(header, spec, 12.0, branch, divisor.recip())
    },
    ..BASE
};

/// `embedding`: where the header has none.
fn scale(
    header: &Header<'_>,
    spec: &mut ModelSpec,
    embedding: f32,
    branch: f32,
    logits: f32,
) -> Result<()> {
    spec.embedding_scale = header.float(keys::EMBEDDING_SCALE)?.unwrap_or(embedding);
    spec.head.scale = logits;
    for layer in &mut spec.layers {
        layer.residual_scale = branch;
    }
    Ok(())
}
