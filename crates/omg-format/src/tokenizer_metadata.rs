use crate::error::{Error, Result};
use crate::metadata::{Metadata, missing};
use crate::value::Strings;

/// `tokenizer.ggml.token_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenType {
    Normal,
    Unknown,
    Control,
    UserDefined,
    Unused,
    Byte,
}

impl TokenType {
    /// By its number; numbers that mean nothing are those of normal tokens.
    pub fn of(id: i32) -> Self {
        match id {
            2 => TokenType::Unknown,
            3 => TokenType::Control,
            4 => TokenType::UserDefined,
            5 => TokenType::Unused,
            6 => TokenType::Byte,
            _ => TokenType::Normal,
        }
    }

    pub fn id(self) -> i32 {
        match self {
            TokenType::Normal => 1,
            TokenType::Unknown => 2,
            TokenType::Control => 3,
            TokenType::UserDefined => 4,
            TokenType::Unused => 5,
            TokenType::Byte => 6,
        }
    }
}

/// The `tokenizer.*` keys of a GGUF file. All token ids are below `tokens.len()`; ids that are not were ignored, as other
/// readers do. Lists have the length of `tokens`.
#[derive(Clone, Debug)]
pub struct TokenizerMetadata<'a> {
    /// `llama`, `gpt2`, `bert`, …
    pub model: &'a str,
    pub pre: Option<&'a str>,
    pub tokens: &'a Strings,
    pub scores: Option<Vec<f32>>,
    pub token_types: Vec<TokenType>,
    pub merges: Option<&'a Strings>,
    pub bos: Option<u32>,
    pub eos: Option<u32>,
    pub eot: Option<u32>,
    pub eom: Option<u32>,
    pub unknown: Option<u32>,
    pub separator: Option<u32>,
    pub padding: Option<u32>,
    /// Fill-in-the-middle: prefix, suffix, middle, pad, repository, separator.
    pub fim_pre: Option<u32>,
    pub fim_suf: Option<u32>,
    pub fim_mid: Option<u32>,
    pub fim_pad: Option<u32>,
    pub fim_rep: Option<u32>,
    pub fim_sep: Option<u32>,
    /// Further end tokens, as Ollama's converter writes them.
    pub eos_ids: Vec<u32>,
    pub add_bos: Option<bool>,
    pub add_eos: Option<bool>,
    pub add_space_prefix: Option<bool>,
    pub remove_extra_whitespaces: Option<bool>,
    pub chat_template: Option<&'a str>,
}

const PREFIX: &str = "tokenizer.ggml.";

impl<'a> TokenizerMetadata<'a> {
    /// `Ok(None)` when the file has no vocabulary.
    pub fn of(metadata: &'a Metadata) -> Result<Option<Self>> {
        let Some(model) = metadata.str("tokenizer.ggml.model")? else {
            return Ok(None);
        };
        if matches!(model, "none" | "no_vocab") {
            return Ok(None);
        }
        let tokens = metadata
            .strings("tokenizer.ggml.tokens")?
            .filter(|tokens| !tokens.is_empty())
            .ok_or_else(|| missing("tokenizer.ggml.tokens"))?;
        let count = tokens.len();
        let scores = same_length("scores", metadata.f32s("tokenizer.ggml.scores")?, count)?;
        if scores
            .as_ref()
            .is_some_and(|scores| scores.iter().any(|score| score.is_nan()))
        {
            return Err(Error::invalid(
                "tokenizer.ggml.scores holds a value that is not a number",
            ));
        }
        let token_types = match same_length(
            "token_type",
            metadata.i32s("tokenizer.ggml.token_type")?,
            count,
        )? {
            Some(ids) => ids.into_iter().map(TokenType::of).collect(),
            None => vec![TokenType::Normal; count],
        };
        // −1 and other ids outside the vocabulary stand for "none".
        let id = |name: &str| -> Result<Option<u32>> {
            let value = metadata.i64(&format!("{PREFIX}{name}"))?;
            Ok(value
                .and_then(|id| u32::try_from(id).ok())
                .filter(|id| (*id as usize) < count))
        };
        let either = |name: &str, old: &str| -> Result<Option<u32>> {
            Ok(match id(name)? {
                Some(id) => Some(id),
                None => id(old)?,
            })
        };
        let flag = |name: &str| metadata.bool(&format!("{PREFIX}{name}"));
        let mut eos_ids = metadata
            .u32s("tokenizer.ggml.eos_token_ids")?
            .unwrap_or_default();
        eos_ids.retain(|id| (*id as usize) < count);
        Ok(Some(TokenizerMetadata {
            model,
            pre: metadata.str("tokenizer.ggml.pre")?,
            tokens,
            scores,
            token_types,
            merges: metadata.strings("tokenizer.ggml.merges")?,
            bos: id("bos_token_id")?,
            eos: id("eos_token_id")?,
            eot: id("eot_token_id")?,
            eom: id("eom_token_id")?,
            unknown: id("unknown_token_id")?,
            separator: either("seperator_token_id", "separator_token_id")?,
            padding: id("padding_token_id")?,
            fim_pre: either("fim_pre_token_id", "prefix_token_id")?,
            fim_suf: either("fim_suf_token_id", "suffix_token_id")?,
            fim_mid: either("fim_mid_token_id", "middle_token_id")?,
            fim_pad: id("fim_pad_token_id")?,
            fim_rep: id("fim_rep_token_id")?,
            fim_sep: id("fim_sep_token_id")?,
            eos_ids,
            add_bos: flag("add_bos_token")?,
            add_eos: flag("add_eos_token")?,
            add_space_prefix: flag("add_space_prefix")?,
            remove_extra_whitespaces: flag("remove_extra_whitespaces")?,
            chat_template: metadata.str("tokenizer.chat_template")?,
        }))
    }
}

fn same_length<T>(name: &str, items: Option<Vec<T>>, count: usize) -> Result<Option<Vec<T>>> {
    match items {
        Some(items) if items.len() != count => Err(Error::invalid(format!(
            "{PREFIX}{name} has {} entries for {count} tokens",
            items.len()
        ))),
        other => Ok(other),
    }
}
