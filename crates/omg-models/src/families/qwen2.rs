//! Qwen 1.5, 2 and 2.5: biases on query, key and value.

use crate::config::{BASE, Bias, Family, Windows, keys};

pub(crate) const FAMILY: Family = Family {
    name: "qwen2",
    gguf: &["qwen2"],
    architectures: &["Qwen2ForCausalLM"],
    qkv_bias: Bias::Required,
    windows: Windows::WhenEnabled,
    defaults: &[
        (keys::RMS_EPS, 1e-6),
        (keys::ROPE_THETA, 10_000.0),
        (keys::CONTEXT, 32_768.0),
    ],
    ..BASE
};
