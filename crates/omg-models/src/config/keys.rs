//! The settings of model headers and what the two formats call them.

use super::header::Key;

const fn key(gguf: &'static str, config: &'static [&'static str]) -> Key {
    Key { gguf, config }
}

pub(crate) const LAYERS: Key = key("block_count", &["num_hidden_layers", "n_layer"]);
pub(crate) const EXTRA_PREDICTION_LAYERS: Key = key("nextn_predict_layers", &[]);
pub(crate) const HIDDEN: Key = key("embedding_length", &["hidden_size", "n_embd"]);
pub(crate) const FEED_FORWARD: Key = key("feed_forward_length", &["intermediate_size", "n_inner"]);
pub(crate) const CONTEXT: Key = key(
    "context_length",
    &["max_position_embeddings", "n_positions"],
);
/// The context of the first Command-R, whose `max_position_embeddings` is smaller.
pub(crate) const MODEL_MAX_LENGTH: Key = key("", &["model_max_length"]);
pub(crate) const EXPERTS: Key = key(
    "expert_count",
    &[
        "num_local_experts",
        "num_experts",
        "n_routed_experts",
        "moe_num_experts",
    ],
);
pub(crate) const ACTIVATION: Key = key(
    "",
    &["hidden_activation", "hidden_act", "activation_function"],
);
pub(crate) const EXPERTS_USED: Key = key(
    "expert_used_count",
    &["num_experts_per_tok", "moe_topk", "moe_k"],
);
pub(crate) const EXPERT_WIDTH: Key = key("expert_feed_forward_length", &["moe_intermediate_size"]);
/// Of the clamped SwiGLU.
pub(crate) const SWIGLU_LIMIT: Key = key("", &["swiglu_limit"]);
pub(crate) const EXPERT_SCORE: Key = key("expert_gating_func", &[]);
pub(crate) const EXPERT_SCORE_NAME: Key = key("", &["scoring_func"]);
pub(crate) const EXPERTS_RENORMALISE: Key = key("expert_weights_norm", &["norm_topk_prob"]);
pub(crate) const EXPERTS_SCALE: Key = key("expert_weights_scale", &["routed_scaling_factor"]);
pub(crate) const EXPERT_GROUPS: Key = key("expert_group_count", &["n_group"]);
pub(crate) const EXPERT_GROUPS_USED: Key = key("expert_group_used_count", &["topk_group"]);

pub(crate) const HEADS: Key = key("attention.head_count", &["num_attention_heads", "n_head"]);
pub(crate) const KV_HEADS: Key = key("attention.head_count_kv", &["num_key_value_heads"]);
pub(crate) const KEY_DIM: Key = key("attention.key_length", &["head_dim"]);
pub(crate) const VALUE_DIM: Key = key("attention.value_length", &["head_dim"]);
/// Of layers without and with a window, where these differ.
pub(crate) const KEY_DIM_FULL: Key = key("attention.key_length", &["global_head_dim"]);
pub(crate) const KEY_DIM_WINDOW: Key = key("attention.key_length_swa", &[]);
pub(crate) const KV_HEADS_FULL: Key = key("", &["num_global_key_value_heads"]);
/// Layers without a window have their keys as values.
pub(crate) const VALUES_ARE_KEYS: Key = key("", &["attention_k_eq_v"]);
/// So many layers at the end have the keys and values of earlier ones.
pub(crate) const SHARED_KV_LAYERS: Key =
    key("attention.shared_kv_layers", &["num_kv_shared_layers"]);
pub(crate) const DOUBLE_WIDTH: Key = key("", &["use_double_wide_mlp"]);
pub(crate) const BIDIRECTIONAL: Key = key("", &["use_bidirectional_attention"]);
pub(crate) const PER_LAYER_WIDTH: Key = key(
    "embedding_length_per_layer_input",
    &["hidden_size_per_layer_input"],
);
pub(crate) const ATTENTION_SCALE: Key = key("attention.scale", &["attention_multiplier"]);
pub(crate) const QUERY_PRE_SCALE: Key = key("", &["query_pre_attn_scalar"]);
pub(crate) const TEMPERATURE: Key = key("attention.temperature_scale", &[]);
pub(crate) const TEMPERATURE_LENGTH: Key = key("attention.temperature_length", &[]);
pub(crate) const SCALE_BY_LAYER: Key = key("", &["scale_attn_by_inverse_layer_idx"]);
pub(crate) const ATTENTION_SOFTCAP: Key =
    key("attn_logit_softcapping", &["attn_logit_softcapping"]);

pub(crate) const WINDOW: Key = key("attention.sliding_window", &["sliding_window"]);
pub(crate) const WINDOW_ENABLED: Key = key("", &["use_sliding_window"]);
pub(crate) const WINDOW_FIRST_LAYER: Key = key("", &["max_window_layers"]);
pub(crate) const WINDOW_PATTERN: Key = key(
    "attention.sliding_window_pattern",
    &["sliding_window_pattern", "_sliding_window_pattern"],
);
pub(crate) const LAYER_TYPES: Key = key("", &["layer_types"]);

/// Flags.
pub(crate) const RECURRENT_LAYERS: Key = key("attention.recurrent_layers", &[]);
pub(crate) const FULL_ATTENTION_INTERVAL: Key =
    key("full_attention_interval", &["full_attention_interval"]);
pub(crate) const STATE_HEADS: Key = key(
    "ssm.time_step_rank",
    &["linear_num_value_heads", "mamba_n_heads", "num_heads"],
);
pub(crate) const STATE_GROUPS: Key = key(
    "ssm.group_count",
    &["linear_num_key_heads", "mamba_n_groups", "n_groups"],
);
pub(crate) const STATE_SIZE: Key = key(
    "ssm.state_size",
    &["linear_key_head_dim", "mamba_d_state", "state_size"],
);
/// Values of all heads.
pub(crate) const STATE_INNER: Key = key("ssm.inner_size", &[]);
/// So many times the width of the model.
pub(crate) const STATE_EXPAND: Key = key("", &["mamba_expand", "expand"]);
pub(crate) const STEP_LIMITS: Key = key("", &["time_step_limit"]);
pub(crate) const STATE_VALUE_DIM: Key = key("", &["linear_value_head_dim"]);
pub(crate) const STATE_TAPS: Key = key(
    "ssm.conv_kernel",
    &["linear_conv_kernel_dim", "mamba_d_conv", "conv_kernel"],
);

pub(crate) const SHORT_CONV_TAPS: Key = key("shortconv.l_cache", &["conv_L_cache"]);
/// Layers of attention among others.
pub(crate) const ATTENTION_LAYERS: Key = key("", &["full_attn_idxs", "attn_layer_indices"]);

pub(crate) const RMS_EPS: Key = key(
    "attention.layer_norm_rms_epsilon",
    &["rms_norm_eps", "norm_eps", "layer_norm_epsilon"],
);
pub(crate) const LAYER_NORM_EPS: Key = key(
    "attention.layer_norm_epsilon",
    &["layer_norm_eps", "norm_epsilon", "layer_norm_epsilon"],
);

/// 1 for each layer with rope.
pub(crate) const ROPE_LAYERS: Key = key("", &["no_rope_layers"]);
pub(crate) const ROPE_DIMS: Key = key("rope.dimension_count", &[]);
pub(crate) const ROPE_DIMS_WINDOW: Key = key("rope.dimension_count_swa", &[]);
pub(crate) const ROPE_FRACTION: Key = key("", &["partial_rotary_factor", "rotary_emb_fraction"]);
pub(crate) const ROPE_THETA: Key = key("rope.freq_base", &["rope_theta", "rotary_emb_base"]);
pub(crate) const ROPE_THETA_WINDOW: Key = key("rope.freq_base_swa", &["rope_local_base_freq"]);
pub(crate) const ROPE_TABLE: Key = key("", &["rope_parameters", "rope_scaling"]);
pub(crate) const ROPE_TYPE: Key = key("rope.scaling.type", &[]);
/// False in models that do not turn at all.
pub(crate) const ROPE_FINETUNED: Key = key("rope.scaling.finetuned", &[]);
pub(crate) const ROPE_FACTOR: Key = key("rope.scaling.factor", &[]);
pub(crate) const ROPE_SCALE_OLD: Key = key("rope.scale_linear", &[]);
pub(crate) const ROPE_ORIGINAL: Key = key(
    "rope.scaling.original_context_length",
    &["original_max_position_embeddings"],
);
pub(crate) const ROPE_MAGNITUDE: Key = key("rope.scaling.attn_factor", &[]);
pub(crate) const ROPE_LOG_MULTIPLIER: Key = key("rope.scaling.yarn_log_multiplier", &[]);
pub(crate) const ROPE_BETA_FAST: Key = key("rope.scaling.yarn_beta_fast", &[]);
pub(crate) const ROPE_BETA_SLOW: Key = key("rope.scaling.yarn_beta_slow", &[]);

/// MiniCPM's: branches are scaled by `depth / √layers`, logits by `base / hidden`.
pub(crate) const DEPTH_SCALE: Key = key("", &["scale_depth"]);
pub(crate) const BASE_WIDTH: Key = key("", &["dim_model_base"]);
pub(crate) const EMBEDDING_SCALE: Key =
    key("embedding_scale", &["embedding_multiplier", "scale_emb"]);
pub(crate) const RESIDUAL_SCALE: Key = key("residual_scale", &["residual_multiplier"]);
pub(crate) const LOGIT_SCALE: Key = key("logit_scale", &["logit_scale"]);
/// By which logits are divided.
pub(crate) const LOGIT_DIVISOR: Key = key("logit_scale", &["logits_scaling"]);
pub(crate) const LOGIT_SOFTCAP: Key = key("final_logit_softcapping", &["final_logit_softcapping"]);

pub(crate) const POOLING: Key = key("pooling_type", &[]);
pub(crate) const POSITION_KIND: Key = key("", &["position_embedding_type"]);
pub(crate) const PADDING_TOKEN: Key = key("", &["pad_token_id"]);
