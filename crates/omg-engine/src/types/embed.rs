use serde::{Deserialize, Serialize};

use super::PromptSegment;

/// Texts to turn into vectors.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmbedRequest {
    pub texts: Vec<Vec<PromptSegment>>,
    /// Cut texts that the model cannot read as a whole; otherwise they are an error.
    #[serde(default)]
    pub truncate: bool,
    /// The first so many elements of each vector; absent: all.
    #[serde(default)]
    pub dimensions: Option<usize>,
    /// Scale vectors to length 1, after they were cut. Absent: as the model's files say.
    #[serde(default)]
    pub normalize: Option<bool>,
}

/// One vector per text, in their order.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(tag = "type", rename = "end", rename_all = "camelCase")]
pub struct Embeddings {
    /// Elements of a vector.
    pub dimensions: usize,
    /// All vectors, one after another. They cross as bytes.
    #[serde(skip)]
    pub vectors: Vec<f32>,
    pub texts: Vec<ReadText>,
}

/// How a text was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadText {
    /// Tokens the model read.
    pub prompt_tokens: usize,
    /// The text had more.
    pub truncated: bool,
}

/// Documents to rate by how well they answer a query.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScoreRequest {
    pub query: String,
    pub documents: Vec<String>,
    /// Cut documents that do not fit beside the query; otherwise they are an error.
    #[serde(default)]
    pub truncate: bool,
}

/// The classifier's own number per document, in their order: larger is better, without bounds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(tag = "type", rename = "end", rename_all = "camelCase")]
pub struct Scores {
    pub scores: Vec<f32>,
    pub texts: Vec<ReadText>,
}
