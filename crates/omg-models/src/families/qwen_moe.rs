//! Qwen 1.5 and 2 with experts beside one that all tokens go through; Qwen 3 with experts alone, also Qwen 3 Coder.

use crate::config::{Family, Routing, keys};
use crate::weights::Role;

pub(crate) const QWEN2_MOE: Family = Family {
    name: "qwen2moe",
    gguf: &["qwen2moe"],
    architectures: &["Qwen2MoeForCausalLM"],
    routing: Some(Routing {
        renormalise: false,
        ..Routing::SOFTMAX
    }),
    names: &[
        (
            Role::SharedGate,
            "blk.{}.ffn_gate_shexp",
            "layers.{}.mlp.shared_expert.gate_proj",
        ),
        (
            Role::SharedUp,
            "blk.{}.ffn_up_shexp",
            "layers.{}.mlp.shared_expert.up_proj",
        ),
        (
            Role::SharedDown,
            "blk.{}.ffn_down_shexp",
            "layers.{}.mlp.shared_expert.down_proj",
        ),
    ],
    ..super::qwen2::FAMILY
};

pub(crate) const QWEN3_MOE: Family = Family {
    name: "qwen3moe",
    gguf: &["qwen3moe"],
    architectures: &["Qwen3MoeForCausalLM"],
    routing: Some(Routing::SOFTMAX),
    defaults: &[
        (keys::RMS_EPS, 1e-6),
        (keys::ROPE_THETA, 10_000.0),
        (keys::CONTEXT, 32_768.0),
        (keys::EXPERTS, 128.0),
        (keys::EXPERTS_USED, 8.0),
    ],
    ..super::qwen3::FAMILY
};
