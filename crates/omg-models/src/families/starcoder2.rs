//! StarCoder 2: LayerNorm, a plain feed-forward half, biases everywhere. GGUF files leave the window out.

use omg_kernels::Activation;

use crate::config::{BASE, Family, Windows, keys};
use crate::spec::NormKind;
use crate::weights::Role;

pub(crate) const FAMILY: Family = Family {
    name: "starcoder2",
    gguf: &["starcoder2"],
    architectures: &["Starcoder2ForCausalLM"],
    norm: NormKind::Layer,
    activation: Activation::GeluTanh,
    gated: false,
    windows: Windows::Every,
    defaults: &[
        (keys::LAYER_NORM_EPS, 1e-5),
        (keys::CONTEXT, 4096.0),
        (keys::KV_HEADS, 2.0),
    ],
    names: &[
        (Role::Up, "blk.{}.ffn_up", "layers.{}.mlp.c_fc"),
        (Role::Down, "blk.{}.ffn_down", "layers.{}.mlp.c_proj"),
    ],
    ..BASE
};
