use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What to load and with which resources.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadSpec {
    /// A GGUF file (the first of a split set) or a safetensors folder.
    pub path: PathBuf,
    /// `auto`, `cpu`, `cuda:N`, `metal`; absent: `auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Tokens; absent: min(trained, what fits, 32768).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_length: Option<usize>,
    /// Sequences decoded at once; absent: 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_sequences: Option<usize>,
    /// 0 or absent: all physical cores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    #[serde(default)]
    pub tokenizer_only: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MemoryPlan {
    pub weights_bytes: u64,
    pub kv_bytes_per_token: u64,
    /// Of the whole block pool, which all sequences share.
    pub kv_bytes: u64,
    /// Of the state that a sequence has whatever its length.
    pub state_bytes_per_sequence: u64,
    /// Of all states: one for every sequence that may run, and checkpoints from which a beginning is reused.
    pub state_bytes: u64,
    /// The most that any of `stages` takes.
    pub scratch_bytes: u64,
    pub total_bytes: u64,
    pub available_bytes: u64,
    pub context_length: usize,
    pub fits: bool,
    /// What the model takes of each device it is spread over.
    pub devices: Vec<DeviceShare>,
    /// The parts of the work, which run one after another.
    pub stages: Vec<StagePlan>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceShare {
    pub device: String,
    pub total_bytes: u64,
    pub available_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StagePlan {
    /// `generate`, `encode`.
    pub name: String,
    pub scratch_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadedModelInfo {
    pub context_length: usize,
    pub trained_context_length: usize,
    pub device: String,
    pub memory: MemoryPlan,
    pub load_ms: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    Cpu,
    Cuda,
    Metal,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceInfo {
    pub id: String,
    pub kind: DeviceKind,
    pub name: String,
    pub memory_bytes: u64,
    pub free_memory_bytes: u64,
    /// CPU: instruction sets in use.
    pub features: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Capability {
    Completion,
    Embedding,
    Rerank,
    Insert,
    Vision,
}

/// What the headers of a model say; no weights are read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelHeader {
    pub format: String,
    pub architecture: String,
    /// GGUF keys, synthesised for safetensors folders. Arrays over 64 entries are `{ arrayLength }`.
    pub metadata: BTreeMap<String, Value>,
    pub parameter_count: u64,
    pub quantization: String,
    pub trained_context_length: usize,
    pub embedding_length: usize,
    pub block_count: usize,
    pub size_bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat_template: Option<String>,
    /// `bos_token`, `eos_token`, … → the text of the token.
    pub special_tokens: BTreeMap<String, String>,
    pub capabilities: Vec<Capability>,
    pub tensors: Vec<TensorSummary>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorSummary {
    pub name: String,
    #[serde(rename = "type")]
    pub dtype: String,
    pub shape: Vec<usize>,
}
