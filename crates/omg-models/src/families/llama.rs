//! Llama 2 and 3, and the many models of the same shape: TinyLlama, SmolLM2, Mistral and Vicuna GGUF files.
//! GGUF files bake the rope scaling of Llama 3 into `rope_freqs`.

use omg_kernels::Pairing;

use crate::config::{BASE, Family, keys};

pub(crate) const FAMILY: Family = Family {
    name: "llama",
    gguf: &["llama"],
    architectures: &["LlamaForCausalLM"],
    gguf_pairing: Pairing::Interleaved,
    defaults: &[
        (keys::RMS_EPS, 1e-6),
        (keys::ROPE_THETA, 10_000.0),
        (keys::CONTEXT, 2048.0),
    ],
    ..BASE
};
