//! Phi-3, Phi-3.5, Phi-4 and Phi-4-mini: fused projections, and rope with one list of divisors for short and one for
//! long contexts.

use crate::config::{BASE, Family, Windows, keys};

pub(crate) const FAMILY: Family = Family {
    name: "phi3",
    gguf: &["phi3"],
    architectures: &["Phi3ForCausalLM"],
    windows: Windows::Every,
    defaults: &[
        (keys::RMS_EPS, 1e-5),
        (keys::ROPE_THETA, 10_000.0),
        (keys::CONTEXT, 4096.0),
    ],
    ..BASE
};
