//! Qwen 3 dense: a norm per head on queries and keys, no biases, `head_dim` of its own.

use crate::config::{BASE, Family, Windows, keys};
use crate::spec::QkNormScope;

pub(crate) const FAMILY: Family = Family {
    name: "qwen3",
    gguf: &["qwen3"],
    architectures: &["Qwen3ForCausalLM"],
    qk_norm: Some(QkNormScope::Head),
    windows: Windows::WhenEnabled,
    defaults: &[
        (keys::RMS_EPS, 1e-6),
        (keys::ROPE_THETA, 10_000.0),
        (keys::CONTEXT, 32_768.0),
        (keys::KEY_DIM, 128.0),
        (keys::VALUE_DIM, 128.0),
    ],
    ..BASE
};
