//! Mistral. Its GGUF files say `llama`; only version 0.1 has a window, on every layer.

use crate::config::{BASE, Family, Windows, keys};

pub(crate) const FAMILY: Family = Family {
    name: "mistral",
    architectures: &["MistralForCausalLM"],
    windows: Windows::Every,
    defaults: &[
        (keys::RMS_EPS, 1e-6),
        (keys::ROPE_THETA, 10_000.0),
        (keys::CONTEXT, 131_072.0),
        (keys::KV_HEADS, 8.0),
    ],
    ..BASE
};
