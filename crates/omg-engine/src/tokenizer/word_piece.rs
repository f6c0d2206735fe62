//! WordPiece vocabularies that come without a `tokenizer.json`: `vocab.txt`, and GGUF files of the kind `bert`. Both become
//! the `tokenizer.json` that the `tokenizers` crate would have written, so that there is one WordPiece.

use omg_format::{FolderFiles, Metadata, TokenType, TokenizerMetadata};
use serde_json::{Map, Value as Json, json};

use super::file::{invalid, read};
use crate::error::{EngineError, Result};

/// The longest word that is cut into pieces, characters.
const LONGEST_WORD: usize = 100;
/// What BERT calls padding, unknown, start, separator and mask, where the files do not say.
const USUAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/// The roles of special tokens, by text.
struct Roles {
    unknown: String,
    start: String,
    separator: String,
    /// All special tokens, those three among them.
    all: Vec<String>,
}

struct Normalization {
    lowercase: bool,
    /// `None`: as `lowercase`.
    strip_accents: Option<bool>,
    chinese: bool,
}

/// The `tokenizer.json` of a folder that has `vocab.txt` only; `Ok(None)` without one.
pub(super) fn of_vocabulary_file(folder: &FolderFiles) -> Result<Option<Json>> {
    let Some(path) = &folder.vocab_txt else {
        return Ok(None);
    };
    let damaged = |reason: String| invalid(format!("{}: {reason}", path.display()));
    let text = String::from_utf8(read(path)?).map_err(|error| damaged(error.to_string()))?;
    let tokens: Vec<String> = text
        .strip_suffix('\n')
        .unwrap_or(&text)
        .split('\n')
        .map(|line| line.trim_end_matches('\r').to_owned())
        .collect();
    let config = folder.tokenizer_config.as_ref().unwrap_or(&Json::Null);
    let named = |key: &str, usual: &str| {
        let value = config.get(key);
        let text = value.and_then(|v| v.as_str().or_else(|| v.get("content")?.as_str()));
        text.unwrap_or(usual).to_owned()
    };
    let flag = |key: &str| config.get(key).and_then(Json::as_bool);
    let [padding, unknown, start, separator, mask] = [
        named("pad_token", USUAL[0]),
        named("unk_token", USUAL[1]),
        named("cls_token", USUAL[2]),
        named("sep_token", USUAL[3]),
        named("mask_token", USUAL[4]),
    ];
    let all = [&padding, &unknown, &start, &separator, &mask];
    let roles = Roles {
        all: all
            .into_iter()
            .filter(|t| tokens.contains(t))
            .cloned()
            .collect(),
        unknown,
        start,
        separator,
    };
    let normalization = Normalization {
        lowercase: flag("do_lower_case").unwrap_or(true),
        strip_accents: flag("strip_accents"),
        chinese: flag("tokenize_chinese_chars").unwrap_or(true),
    };
    tokenizer_json(&tokens, &roles, &normalization).map(Some)
}

/// The `tokenizer.json` of a GGUF vocabulary, where ▁ begins a word and what continues one has no mark.
pub(super) fn of_gguf(source: &TokenizerMetadata<'_>, metadata: &Metadata) -> Result<Json> {
    let special = |text: &str, kind: TokenType| {
        let bracketed = text.len() > 2 && text.starts_with('[') && text.ends_with(']');
        bracketed || matches!(kind, TokenType::Control | TokenType::Unknown)
    };
    let kinds = || source.tokens.iter().zip(&source.token_types);
    let tokens: Vec<String> = kinds()
        .map(|(text, kind)| match text.strip_prefix('▁') {
            _ if special(text, *kind) => text.to_owned(),
            Some(word) => word.to_owned(),
            None => format!("##{text}"),
        })
        .collect();
    let id = |key: &str| {
        let value = metadata
            .i64(&format!("tokenizer.ggml.{key}"))
            .ok()
            .flatten();
        value.and_then(|id| u32::try_from(id).ok())
    };
    let named = |id: Option<u32>, usual: &str| {
        id.and_then(|id| tokens.get(id as usize))
            .map_or_else(|| usual.to_owned(), Clone::clone)
    };
    let start = id("cls_token_id").or(source.bos);
    let roles = Roles {
        unknown: named(source.unknown, USUAL[1]),
        start: named(start, USUAL[2]),
        separator: named(source.separator.or(source.eos), USUAL[3]),
        all: kinds()
            .filter(|(text, kind)| {
                matches!(kind, TokenType::Control | TokenType::Unknown) || USUAL.contains(text)
            })
            .map(|(text, _)| text.to_owned())
            .collect(),
    };
    let flag = |key: &str| {
        let key = format!("tokenizer.ggml.normalizer.{key}");
        metadata.bool(&key).ok().flatten()
    };
    let normalization = Normalization {
        lowercase: flag("lowercase").unwrap_or(true),
        strip_accents: flag("strip_accents"),
        chinese: true,
    };
    tokenizer_json(&tokens, &roles, &normalization)
}

fn tokenizer_json(tokens: &[String], roles: &Roles, normalization: &Normalization) -> Result<Json> {
    let mut ids = Map::new();
    for (id, token) in tokens.iter().enumerate() {
        // Of tokens that are listed twice the last counts, as for the readers these files were made with.
        ids.insert(token.clone(), json!(id));
    }
    let of_role = |text: &String| {
        ids.get(text).cloned().ok_or_else(|| EngineError::Coded {
            code: "invalid_model_file",
            message: format!("the vocabulary has no token {text:?}"),
            hint: None,
        })
    };
    let (start, separator) = (of_role(&roles.start)?, of_role(&roles.separator)?);
    of_role(&roles.unknown)?;
    let mut added: Vec<&String> = roles.all.iter().collect();
    added.extend([&roles.unknown, &roles.start, &roles.separator]);
    added.sort();
    added.dedup();
    let added: Vec<Json> = added
        .into_iter()
        .filter_map(|text| {
            Some(json!({
                "id": ids.get(text)?, "content": text, "special": true, "normalized": false,
                "lstrip": false, "rstrip": false, "single_word": false,
            }))
        })
        .collect();
    Ok(json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": true,
            "handle_chinese_chars": normalization.chinese,
            "strip_accents": normalization.strip_accents,
            "lowercase": normalization.lowercase,
        },
        "pre_tokenizer": { "type": "BertPreTokenizer" },
        "post_processor": {
            "type": "BertProcessing",
            "sep": [roles.separator, separator],
            "cls": [roles.start, start],
        },
        "decoder": { "type": "WordPiece", "prefix": "##", "cleanup": true },
        "model": {
            "type": "WordPiece",
            "unk_token": roles.unknown,
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": LONGEST_WORD,
            "vocab": ids,
        },
    }))
}
