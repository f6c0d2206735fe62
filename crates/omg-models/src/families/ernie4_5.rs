//! ERNIE 4.5 dense: Llama with neighbouring elements of a head turned together.

use omg_kernels::Pairing;

use crate::config::{BASE, Family, keys};

pub(crate) const FAMILY: Family = Family {
    name: "ernie4_5",
    gguf: &["ernie4_5"],
    architectures: &["Ernie4_5ForCausalLM", "Ernie4_5_ForCausalLM"],
    gguf_pairing: Pairing::Interleaved,
    config_pairing: Pairing::Interleaved,
    defaults: &[
        (keys::RMS_EPS, 1e-5),
        (keys::ROPE_THETA, 500_000.0),
        (keys::CONTEXT, 131_072.0),
        (keys::KV_HEADS, 2.0),
        (keys::KEY_DIM, 128.0),
        (keys::VALUE_DIM, 128.0),
    ],
    ..BASE
};
