//! OLMoE: norms over the whole width of queries and keys, and weights of experts that are not divided by their sum.

use crate::config::{BASE, Family, Routing, keys};
use crate::spec::QkNormScope;

pub(crate) const OLMOE: Family = Family {
    name: "olmoe",
    gguf: &["olmoe"],
    architectures: &["OlmoeForCausalLM"],
    qk_norm: Some(QkNormScope::Projection),
    routing: Some(Routing {
        renormalise: false,
        ..Routing::SOFTMAX
    }),
    defaults: &[
        (keys::RMS_EPS, 1e-5),
        (keys::ROPE_THETA, 10_000.0),
        (keys::CONTEXT, 4096.0),
        (keys::EXPERTS, 64.0),
        (keys::EXPERTS_USED, 8.0),
    ],
    ..BASE
};
