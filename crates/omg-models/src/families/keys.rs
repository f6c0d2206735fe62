//! The settings of model headers and what the two formats call them.

use super::header::Key;

const fn key(gguf: &'static str, config: &'static [&'static str]) -> Key {
    Key { gguf, config }
}

pub(super) const LAYERS: Key = key("block_count", &["num_hidden_layers", "n_layer"]);
pub(super) const EXTRA_PREDICTION_LAYERS: Key = key("nextn_predict_layers", &[]);
pub(super) const HIDDEN: Key = key("embedding_length", &["hidden_size", "n_embd"]);
pub(super) const FEED_FORWARD: Key = key("feed_forward_length", &["intermediate_size", "n_inner"]);
pub(super) const CONTEXT: Key = key(
    "context_length",
    &["max_position_embeddings", "n_positions"],
);
pub(super) const EXPERTS: Key = key(
    "expert_count",
    &["num_local_experts", "num_experts", "n_routed_experts"],
);
pub(super) const ACTIVATION: Key = key("", &["hidden_activation", "hidden_act"]);

pub(super) const HEADS: Key = key("attention.head_count", &["num_attention_heads", "n_head"]);
pub(super) const KV_HEADS: Key = key("attention.head_count_kv", &["num_key_value_heads"]);
pub(super) const KEY_DIM: Key = key("attention.key_length", &["head_dim"]);
pub(super) const VALUE_DIM: Key = key("attention.value_length", &["head_dim"]);
pub(super) const ATTENTION_SCALE: Key = key("attention.scale", &["attention_multiplier"]);
pub(super) const QUERY_PRE_SCALE: Key = key("", &["query_pre_attn_scalar"]);
pub(super) const ATTENTION_SOFTCAP: Key =
    key("attn_logit_softcapping", &["attn_logit_softcapping"]);

pub(super) const WINDOW: Key = key("attention.sliding_window", &["sliding_window"]);
pub(super) const WINDOW_ENABLED: Key = key("", &["use_sliding_window"]);
pub(super) const WINDOW_FIRST_LAYER: Key = key("", &["max_window_layers"]);
pub(super) const WINDOW_PATTERN: Key = key(
    "attention.sliding_window_pattern",
    &["sliding_window_pattern", "_sliding_window_pattern"],
);
pub(super) const LAYER_TYPES: Key = key("", &["layer_types"]);

pub(super) const RMS_EPS: Key = key(
    "attention.layer_norm_rms_epsilon",
    &["rms_norm_eps", "norm_eps"],
);
pub(super) const LAYER_NORM_EPS: Key = key(
    "attention.layer_norm_epsilon",
    &["layer_norm_eps", "norm_epsilon", "layer_norm_epsilon"],
);

pub(super) const ROPE_DIMS: Key = key("rope.dimension_count", &[]);
pub(super) const ROPE_FRACTION: Key = key("", &["partial_rotary_factor", "rotary_emb_fraction"]);
pub(super) const ROPE_THETA: Key = key("rope.freq_base", &["rope_theta", "rotary_emb_base"]);
pub(super) const ROPE_THETA_WINDOW: Key = key("rope.freq_base_swa", &["rope_local_base_freq"]);
pub(super) const ROPE_TABLE: Key = key("", &["rope_parameters", "rope_scaling"]);
pub(super) const ROPE_TYPE: Key = key("rope.scaling.type", &[]);
pub(super) const ROPE_FACTOR: Key = key("rope.scaling.factor", &[]);
pub(super) const ROPE_SCALE_OLD: Key = key("rope.scale_linear", &[]);
pub(super) const ROPE_ORIGINAL: Key = key(
    "rope.scaling.original_context_length",
    &["original_max_position_embeddings"],
);
pub(super) const ROPE_MAGNITUDE: Key = key("rope.scaling.attn_factor", &[]);
pub(super) const ROPE_BETA_FAST: Key = key("rope.scaling.yarn_beta_fast", &[]);
pub(super) const ROPE_BETA_SLOW: Key = key("rope.scaling.yarn_beta_slow", &[]);

pub(super) const LOGIT_SOFTCAP: Key = key("final_logit_softcapping", &["final_logit_softcapping"]);

pub(super) const POOLING: Key = key("pooling_type", &[]);
pub(super) const POSITION_KIND: Key = key("", &["position_embedding_type"]);
pub(super) const PADDING_TOKEN: Key = key("", &["pad_token_id"]);
