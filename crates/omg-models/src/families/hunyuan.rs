//! Hunyuan dense: queries and keys are normed after they are turned. Converters fold `alpha` into the base of the rope.

use crate::config::{BASE, Family, keys};
use crate::spec::QkNormScope;
use crate::weights::Role;

pub(crate) const FAMILY: Family = Family {
    name: "hunyuan-dense",
    gguf: &["hunyuan-dense"],
    architectures: &["HunYuanDenseV1ForCausalLM"],
    qk_norm: Some(QkNormScope::Head),
    qk_norm_after_rope: true,
    defaults: &[(keys::RMS_EPS, 1e-5), (keys::CONTEXT, 2048.0)],
    names: &[
        (
            Role::QueryNorm,
            "blk.{}.attn_q_norm",
            "layers.{}.self_attn.query_layernorm",
        ),
        (
            Role::KeyNorm,
            "blk.{}.attn_k_norm",
            "layers.{}.self_attn.key_layernorm",
        ),
    ],
    ..BASE
};
