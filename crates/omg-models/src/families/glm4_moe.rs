//! GLM-4.5 to 4.7: a sigmoid with a correction routes, an expert beside the others, dense layers first.

use crate::config::{BASE, Family, Routing, keys};
use crate::spec::{QkNormScope, Score};
use crate::weights::Role;

pub(crate) const FAMILY: Family = Family {
    name: "glm4moe",
    gguf: &["glm4moe"],
    architectures: &["Glm4MoeForCausalLM"],
    qk_norm: Some(QkNormScope::Head),
    routing: Some(Routing {
        score: Score::Sigmoid,
        ..Routing::SOFTMAX
    }),
    defaults: &[
        (keys::RMS_EPS, 1e-5),
        (keys::CONTEXT, 131_072.0),
        (keys::KV_HEADS, 8.0),
        (keys::KEY_DIM, 128.0),
        (keys::VALUE_DIM, 128.0),
        (keys::ROPE_FRACTION, 0.5),
        (keys::EXPERTS, 128.0),
        (keys::EXPERTS_USED, 8.0),
    ],
    names: &[(
        Role::FeedForwardNorm,
        "blk.{}.post_attention_norm",
        "layers.{}.post_attention_layernorm",
    )],
    adjust: |header, spec| {
        // Air has no norms of queries and keys.
        if !header.has_tensor(&spec.names.weight(Role::QueryNorm, 0)) {
            for (_, attention) in spec.attention_mut() {
                attention.qk_norm = None;
            }
        }
        Ok(())
    },
    ..BASE
};
