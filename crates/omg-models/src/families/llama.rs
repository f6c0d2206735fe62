//! Llama 2 and 3, and the many models of the same shape: TinyLlama, SmolLM2, Mistral and Vicuna GGUF files. Mixtral is
//! the same with experts.
//! GGUF files bake the rope scaling of Llama 3 into `rope_freqs`.

use omg_kernels::Pairing;

use crate::config::{BASE, Family, Routing, keys};
use crate::weights::Role;

pub(crate) const FAMILY: Family = Family {
    name: "llama",
    gguf: &["llama"],
    architectures: &["LlamaForCausalLM"],
    gguf_pairing: Pairing::Interleaved,
    routing: Some(Routing::SOFTMAX),
    defaults: &[
        (keys::RMS_EPS, 1e-6),
        (keys::ROPE_THETA, 10_000.0),
        (keys::CONTEXT, 2048.0),
    ],
    ..BASE
};

pub(crate) const MIXTRAL: Family = Family {
    name: "mixtral",
    gguf: &[],
    architectures: &["MixtralForCausalLM"],
    defaults: &[
        (keys::RMS_EPS, 1e-5),
        (keys::ROPE_THETA, 1_000_000.0),
        (keys::CONTEXT, 131_072.0),
        (keys::KV_HEADS, 8.0),
        (keys::EXPERTS, 8.0),
        (keys::EXPERTS_USED, 2.0),
    ],
    names: MIXTRAL_NAMES,
    ..FAMILY
};

pub(super) const MIXTRAL_NAMES: &[crate::weights::Name] = &[
    (
        Role::Router,
        "blk.{}.ffn_gate_inp",
        "layers.{}.block_sparse_moe.gate",
    ),
    (
        Role::ExpertGate,
        "blk.{}.ffn_gate_exps",
        "layers.{}.block_sparse_moe.experts.{e}.w1",
    ),
    (
        Role::ExpertUp,
        "blk.{}.ffn_up_exps",
        "layers.{}.block_sparse_moe.experts.{e}.w3",
    ),
    (
        Role::ExpertDown,
        "blk.{}.ffn_down_exps",
        "layers.{}.block_sparse_moe.experts.{e}.w2",
    ),
];
