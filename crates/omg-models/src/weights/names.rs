use omg_format::{Format, ModelFiles};

use super::{Role, Transform, Transforms};
use crate::error::{Error, Result};

/// A role with its GGUF and its Hugging Face stem; `{}` stands for the layer, `{e}` for the expert, `.weight` and `.bias`
/// are added, but not after an `=` at the end.
pub type Name = (Role, &'static str, &'static str);

/// The names most families use (`model-families` facts, section 1.2).
const STANDARD: &[Name] = &[
    (Role::Embedding, "token_embd", "embed_tokens"),
    (Role::FinalNorm, "output_norm", "norm"),
    (Role::Head, "output", "lm_head"),
    (
        Role::MixerNorm,
        "blk.{}.attn_norm",
        "layers.{}.input_layernorm",
    ),
    (
        Role::AfterMixerNorm,
        "blk.{}.post_attention_norm",
        "layers.{}.post_attention_layernorm",
    ),
    (
        Role::FeedForwardNorm,
        "blk.{}.ffn_norm",
        "layers.{}.post_attention_layernorm",
    ),
    (
        Role::AfterFeedForwardNorm,
        "blk.{}.post_ffw_norm",
        "layers.{}.post_feedforward_layernorm",
    ),
    (
        Role::OutputScale,
        "blk.{}.layer_output_scale",
        "layers.{}.layer_scalar=",
    ),
    (Role::Query, "blk.{}.attn_q", "layers.{}.self_attn.q_proj"),
    (Role::Key, "blk.{}.attn_k", "layers.{}.self_attn.k_proj"),
    (Role::Value, "blk.{}.attn_v", "layers.{}.self_attn.v_proj"),
    (
        Role::QueryKeyValue,
        "blk.{}.attn_qkv",
        "layers.{}.self_attn.qkv_proj",
    ),
    (
        Role::AttentionOutput,
        "blk.{}.attn_output",
        "layers.{}.self_attn.o_proj",
    ),
    (
        Role::QueryNorm,
        "blk.{}.attn_q_norm",
        "layers.{}.self_attn.q_norm",
    ),
    (
        Role::KeyNorm,
        "blk.{}.attn_k_norm",
        "layers.{}.self_attn.k_norm",
    ),
    (
        Role::ValueNorm,
        "blk.{}.attn_v_norm",
        "layers.{}.self_attn.v_norm",
    ),
    (
        Role::AttentionGate,
        "blk.{}.attn_gate",
        "layers.{}.self_attn.gate_proj",
    ),
    (
        Role::Sinks,
        "blk.{}.attn_sinks",
        "layers.{}.self_attn.sinks=",
    ),
    (Role::Gate, "blk.{}.ffn_gate", "layers.{}.mlp.gate_proj"),
    (Role::Up, "blk.{}.ffn_up", "layers.{}.mlp.up_proj"),
    // In GGUF files a fused pair has the name of the up projection and twice its rows.
    (Role::GateUp, "blk.{}.ffn_up", "layers.{}.mlp.gate_up_proj"),
    (Role::Down, "blk.{}.ffn_down", "layers.{}.mlp.down_proj"),
    (Role::Router, "blk.{}.ffn_gate_inp", "layers.{}.mlp.gate"),
    (
        Role::RouterCorrection,
        "blk.{}.exp_probs_b.bias",
        "layers.{}.mlp.gate.e_score_correction_bias",
    ),
    (
        Role::ExpertGate,
        "blk.{}.ffn_gate_exps",
        "layers.{}.mlp.experts.{e}.gate_proj",
    ),
    (
        Role::ExpertUp,
        "blk.{}.ffn_up_exps",
        "layers.{}.mlp.experts.{e}.up_proj",
    ),
    (
        Role::ExpertDown,
        "blk.{}.ffn_down_exps",
        "layers.{}.mlp.experts.{e}.down_proj",
    ),
    (
        Role::ExpertGateUp,
        "blk.{}.ffn_gate_up_exps",
        "layers.{}.mlp.experts.gate_up_proj",
    ),
    (
        Role::ExpertDownFused,
        "blk.{}.ffn_down_exps",
        "layers.{}.mlp.experts.down_proj",
    ),
    (
        Role::SharedGate,
        "blk.{}.ffn_gate_shexp",
        "layers.{}.mlp.shared_experts.gate_proj",
    ),
    (
        Role::SharedUp,
        "blk.{}.ffn_up_shexp",
        "layers.{}.mlp.shared_experts.up_proj",
    ),
    (
        Role::SharedGateUp,
        "blk.{}.ffn_gate_up_shexp",
        "layers.{}.mlp.shared_experts.gate_up_proj",
    ),
    (
        Role::SharedDown,
        "blk.{}.ffn_down_shexp",
        "layers.{}.mlp.shared_experts.down_proj",
    ),
    (
        Role::SharedExpertGate,
        "blk.{}.ffn_gate_inp_shexp",
        "layers.{}.mlp.shared_expert_gate",
    ),
    (Role::StateInput, "blk.{}.ssm_in", "layers.{}.mamba.in_proj"),
    (
        Role::StateGate,
        "blk.{}.attn_gate",
        "layers.{}.linear_attn.in_proj_z",
    ),
    (
        Role::StateStrength,
        "blk.{}.ssm_beta",
        "layers.{}.linear_attn.in_proj_b",
    ),
    (
        Role::StateDecay,
        "blk.{}.ssm_alpha",
        "layers.{}.linear_attn.in_proj_a",
    ),
    (
        Role::StateConvolution,
        "blk.{}.ssm_conv1d",
        "layers.{}.mamba.conv1d",
    ),
    (
        Role::StateStepBias,
        "blk.{}.ssm_dt.bias=",
        "layers.{}.mamba.dt_bias=",
    ),
    (Role::StateRate, "blk.{}.ssm_a=", "layers.{}.mamba.A_log="),
    (Role::StateSkip, "blk.{}.ssm_d=", "layers.{}.mamba.D="),
    (Role::StateNorm, "blk.{}.ssm_norm", "layers.{}.mamba.norm"),
    (
        Role::StateOutput,
        "blk.{}.ssm_out",
        "layers.{}.mamba.out_proj",
    ),
    (
        Role::PerLayerEmbedding,
        "per_layer_token_embd",
        "embed_tokens_per_layer",
    ),
    (
        Role::PerLayerModelProjection,
        "per_layer_model_proj",
        "per_layer_model_projection",
    ),
    (
        Role::PerLayerModelNorm,
        "per_layer_proj_norm",
        "per_layer_projection_norm",
    ),
    (
        Role::PerLayerGate,
        "blk.{}.inp_gate",
        "layers.{}.per_layer_input_gate",
    ),
    (
        Role::PerLayerProjection,
        "blk.{}.proj",
        "layers.{}.per_layer_projection",
    ),
    (
        Role::PerLayerNorm,
        "blk.{}.post_norm",
        "layers.{}.post_per_layer_input_norm",
    ),
    (
        Role::Positions,
        "position_embd",
        "embeddings.position_embeddings",
    ),
    (
        Role::TokenTypes,
        "token_types",
        "embeddings.token_type_embeddings",
    ),
    (
        Role::EmbeddingNorm,
        "token_embd_norm",
        "embeddings.LayerNorm",
    ),
    (Role::Pooler, "cls", "pooler.dense"),
    (Role::ClassifierDense, "cls", "classifier.dense"),
    (Role::ClassifierOutput, "cls.output", "classifier"),
];

/// Where Hugging Face checkpoints keep the language model, with where its head then is.
const PREFIXES: &[(&str, &str)] = &[
    ("model.", ""),
    ("model.language_model.", ""),
    ("language_model.model.", "language_model."),
    ("transformer.", ""),
    ("backbone.", ""),
    ("bert.", ""),
    ("roberta.", ""),
    ("", ""),
];

/// Names of a model's tensors: the standard ones, those a family changes, and the prefix found in the files.
#[derive(Debug, Clone)]
pub struct TensorNames {
    format: Format,
    prefix: &'static str,
    head_prefix: &'static str,
    changed: &'static [Name],
    transforms: Transforms,
}

impl TensorNames {
    /// Finds the prefix by the embedding table. `Err(MissingTensor)` when there is none.
    pub fn find(
        files: &ModelFiles,
        changed: &'static [Name],
        transforms: Transforms,
    ) -> Result<Self> {
        let format = files.format();
        let candidates = match format {
            Format::Gguf => &[("", "")],
            Format::Safetensors => PREFIXES,
        };
        let mut first = None;
        for &(prefix, head_prefix) in candidates {
            let names = Self {
                format,
                prefix,
                head_prefix,
                changed,
                transforms,
            };
            let embedding = names.weight(Role::Embedding, 0);
            if files.tensor(&embedding).is_some() {
                return Ok(names);
            }
            first.get_or_insert(embedding);
        }
        Err(Error::MissingTensor {
            name: first.unwrap_or_default(),
        })
    }

    /// The same files by other names.
    pub(crate) fn with_changed(self, changed: &'static [Name]) -> Self {
        Self { changed, ..self }
    }

    /// Name of the weight; `layer` does not matter for roles outside the layers.
    pub fn weight(&self, role: Role, layer: usize) -> String {
        with_suffix(self.stem(role, layer), ".weight")
    }

    pub fn bias(&self, role: Role, layer: usize) -> String {
        with_suffix(self.stem(role, layer), ".bias")
    }

    /// What has to be done to what the files hold.
    pub(super) fn transform(&self, role: Role) -> Option<Transform> {
        let known = self.transforms.iter().find(|known| known.0 == role);
        known
            .filter(|_| self.format == Format::Safetensors)
            .map(|known| known.1)
    }

    /// Name of a tensor that has no suffix.
    pub(crate) fn bare(&self, role: Role, layer: usize) -> String {
        self.stem(role, layer)
    }

    /// Name of the weight of one expert, when experts have a tensor each.
    pub(crate) fn expert(&self, role: Role, layer: usize, expert: usize) -> String {
        let stem = self.stem(role, layer);
        let single = match self.format {
            // Files from before experts lay together.
            Format::Gguf => format!("{}.{expert}", stem.trim_end_matches("_exps")),
            Format::Safetensors => stem.replace("{e}", &expert.to_string()),
        };
        single + ".weight"
    }

    fn stem(&self, role: Role, layer: usize) -> String {
        let find = |names: &'static [Name]| names.iter().find(|name| name.0 == role);
        let Some((_, gguf, config)) = find(self.changed).or_else(|| find(STANDARD)) else {
            unreachable!("every role has a standard name");
        };
        let (prefix, stem) = match (self.format, role) {
            (Format::Gguf, _) => ("", gguf),
            (Format::Safetensors, Role::Head | Role::ClassifierDense | Role::ClassifierOutput) => {
                (self.head_prefix, config)
            }
            (Format::Safetensors, _) => (self.prefix, config),
        };
        format!("{prefix}{}", stem.replace("{}", &layer.to_string()))
    }
}

fn with_suffix(stem: String, suffix: &str) -> String {
    match stem.strip_suffix('=') {
        Some(whole) => whole.to_owned(),
        None => stem + suffix,
    }
}
