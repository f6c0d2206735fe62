use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an answer must be written in. Generation is limited to it, and ends where it is complete.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grammar {
    #[serde(flatten)]
    pub source: GrammarSource,
    /// Where it begins; absent: with the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<GrammarAfter>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum GrammarSource {
    /// With `strict` a keyword that cannot be enforced is refused, else it is left unenforced.
    JsonSchema {
        schema: Value,
        #[serde(default)]
        strict: bool,
    },
    /// Any JSON object.
    JsonObject,
    /// The whole answer matches; the syntax is that of Rust's `regex`, without look-around.
    Regex { pattern: String },
    /// The Lark dialect of llguidance, beginning at `start`. `rules` are added to it by name.
    Lark {
        source: String,
        #[serde(default)]
        rules: BTreeMap<String, GrammarRule>,
    },
    /// The grammar notation of llama.cpp, beginning at `root`.
    Gbnf { source: String },
}

/// A rule that is data and no grammar text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum GrammarRule {
    /// Exactly this text; names of special tokens in it are those tokens.
    Text { text: String },
    /// A JSON document.
    Schema {
        schema: Value,
        #[serde(default)]
        strict: bool,
    },
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GrammarAfter {
    /// A free span that the answer may begin with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<FreeSpan>,
    /// The answer is free until this text appears behind the span, and need not come to it. The grammar begins behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opener: Option<String>,
}

/// Thoughts, for example.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FreeSpan {
    pub open: String,
    pub close: String,
    /// The prompt ends inside the span.
    #[serde(default)]
    pub opened: bool,
}
