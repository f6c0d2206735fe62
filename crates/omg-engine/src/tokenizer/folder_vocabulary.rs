use omg_format::{Array, Metadata, Strings, TokenType, Value};

/// A vocabulary as its file has it.
#[derive(Debug, Default)]
pub(super) struct FolderVocabulary {
    /// As in `tokenizer.ggml.model`.
    pub(super) kind: &'static str,
    /// As in `tokenizer.ggml.pre`.
    pub(super) pre: Option<&'static str>,
    /// By which text is cut, instead of `pre`.
    pub(super) pattern: Option<String>,
    pub(super) tokens: Vec<(String, TokenType)>,
    /// One for each token, or none at all.
    pub(super) scores: Vec<f32>,
    pub(super) bos: Option<u32>,
    pub(super) eos: Option<u32>,
    pub(super) unknown: Option<u32>,
    pub(super) add_bos: bool,
    pub(super) add_eos: bool,
    pub(super) add_space_prefix: bool,
    pub(super) remove_extra_whitespaces: bool,
    pub(super) charsmap: Vec<u8>,
}

impl FolderVocabulary {
    /// In the form that GGUF files have; `ends`: the tokens that end an answer.
    pub(super) fn metadata(&self, ends: Vec<u32>) -> Metadata {
        let mut metadata = Metadata::default();
        let mut set = |key: &str, value: Value| {
            metadata.insert(format!("tokenizer.ggml.{key}"), value);
        };
        set("model", Value::String(self.kind.to_owned()));
        if let Some(pre) = self.pre {
            set("pre", Value::String(pre.to_owned()));
        }
        let tokens: Strings = self.tokens.iter().map(|(text, _)| text.as_str()).collect();
        let kinds = self.tokens.iter().map(|(_, kind)| kind.id()).collect();
        set("tokens", Value::Array(Array::String(tokens)));
        set("token_type", Value::Array(Array::I32(kinds)));
        if !self.scores.is_empty() {
            set("scores", Value::Array(Array::F32(self.scores.clone())));
        }
        let ids = [
            ("bos_token_id", self.bos),
            ("eos_token_id", self.eos),
            ("unknown_token_id", self.unknown),
        ];
        for (key, id) in ids {
            if let Some(id) = id {
                set(key, Value::U32(id));
            }
        }
        set("eos_token_ids", Value::Array(Array::U32(ends)));
        set("add_bos_token", Value::Bool(self.add_bos));
        set("add_eos_token", Value::Bool(self.add_eos));
        set("add_space_prefix", Value::Bool(self.add_space_prefix));
        set(
            "remove_extra_whitespaces",
            Value::Bool(self.remove_extra_whitespaces),
        );
        if !self.charsmap.is_empty() {
            set(
                "precompiled_charsmap",
                Value::Array(Array::U8(self.charsmap.clone())),
            );
        }
        metadata
    }
}
