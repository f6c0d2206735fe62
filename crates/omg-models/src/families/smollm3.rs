//! SmolLM3: Llama whose every fourth layer does not encode positions.

use omg_kernels::Pairing;

use crate::config::{BASE, Family, RopeLayers, Windows, keys};

pub(crate) const FAMILY: Family = Family {
    name: "smollm3",
    gguf: &["smollm3"],
    architectures: &["SmolLM3ForCausalLM"],
    rope_layers: RopeLayers::AllBut(4),
    gguf_pairing: Pairing::Interleaved,
    windows: Windows::WhenEnabled,
    defaults: &[
        (keys::RMS_EPS, 1e-6),
        (keys::ROPE_THETA, 2_000_000.0),
        (keys::CONTEXT, 32_768.0),
        (keys::KV_HEADS, 4.0),
    ],
    ..BASE
};
