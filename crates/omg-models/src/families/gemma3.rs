//! Gemma 3 text models, also inside the multimodal checkpoints: norms on both sides of both halves, five windowed layers
//! for each full one with a rope of their own, embeddings scaled by √hidden.

use omg_kernels::Activation;

use super::header::Header;
use super::{BASE, Block, Family, keys, windows::Windows};
use crate::error::Result;
use crate::spec::{ModelSpec, QkNormScope};
use crate::weights::Role;

pub(super) const FAMILY: Family = Family {
    name: "gemma3",
    gguf: &["gemma3"],
    architectures: &["Gemma3ForCausalLM", "Gemma3ForConditionalGeneration"],
    block: Block::Sandwich,
    norm_plus_one: true,
    activation: Activation::GeluTanh,
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
    names: &[(
        Role::FeedForwardNorm,
        "blk.{}.ffn_norm",
        "layers.{}.pre_feedforward_layernorm",
    )],
    adjust,
    ..BASE
};

fn adjust(header: &Header<'_>, spec: &mut ModelSpec) -> Result<()> {
    super::gemma2::scales(header, spec, 62)
}
