//! Seed-OSS: Qwen 2 with heads of a size of their own.

use crate::config::{BASE, Family, keys};
use crate::weights::Role;

pub(crate) const FAMILY: Family = Family {
    name: "seed_oss",
    gguf: &["seed_oss"],
    architectures: &["SeedOssForCausalLM"],
    defaults: &[
        (keys::RMS_EPS, 1e-6),
        (keys::CONTEXT, 524_288.0),
        (keys::KV_HEADS, 8.0),
        (keys::KEY_DIM, 128.0),
        (keys::VALUE_DIM, 128.0),
    ],
    names: &[(
        Role::FeedForwardNorm,
        "blk.{}.post_attention_norm",
        "layers.{}.post_attention_layernorm",
    )],
    ..BASE
};
