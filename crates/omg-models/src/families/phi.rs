//! Phi-1, 1.5 and 2: both halves read one norm, biases everywhere, a part of each head turned.

use omg_kernels::Activation;

use crate::config::{BASE, Family, keys};
use crate::spec::{Halves, NormKind};
use crate::weights::Role;

pub(crate) const FAMILY: Family = Family {
    name: "phi2",
    gguf: &["phi2"],
    architectures: &["PhiForCausalLM"],
    halves: Halves::Parallel,
    norm: NormKind::Layer,
    activation: Activation::GeluTanh,
    gated: false,
    defaults: &[
        (keys::LAYER_NORM_EPS, 1e-5),
        (keys::CONTEXT, 2048.0),
        (keys::ROPE_FRACTION, 0.5),
    ],
    names: &[
        (Role::FinalNorm, "output_norm", "final_layernorm"),
        (
            Role::AttentionOutput,
            "blk.{}.attn_output",
            "layers.{}.self_attn.dense",
        ),
        (Role::Up, "blk.{}.ffn_up", "layers.{}.mlp.fc1"),
        (Role::Down, "blk.{}.ffn_down", "layers.{}.mlp.fc2"),
    ],
    ..BASE
};
