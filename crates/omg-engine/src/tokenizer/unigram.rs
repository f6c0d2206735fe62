//! Unigram vocabularies of GGUF files (kind `t5`) become the `tokenizer.json` that the `tokenizers` crate would have written, so
//! that there is one Unigram.

use omg_format::{Array, Metadata, TokenType, TokenizerMetadata, Value};
use serde_json::{Value as Json, json};

use super::base64;
use super::file::invalid;
use crate::error::Result;

/// The `tokenizer.json`, and what `tokenizer_config.json` would say beside it.
pub(super) fn of_gguf(source: &TokenizerMetadata<'_>, metadata: &Metadata) -> Result<(Json, Json)> {
    let scores = source
        .scores
        .as_ref()
        .ok_or_else(|| invalid("the vocabulary has no scores (tokenizer.ggml.scores)"))?;
    let unknown = source.unknown.or_else(|| {
        let is_unknown = |kind: &TokenType| *kind == TokenType::Unknown;
        source
            .token_types
            .iter()
            .position(is_unknown)
            .map(|id| id as u32)
    });
    let text = |id: u32| source.tokens.get(id as usize).unwrap_or_default();
    let mut vocabulary = Vec::with_capacity(source.tokens.len());
    let mut added = Vec::new();
    let mut bytes = false;
    for (id, (text, kind)) in source.tokens.iter().zip(&source.token_types).enumerate() {
        bytes |= *kind == TokenType::Byte;
        let score = match kind {
            TokenType::UserDefined => 0.0,
            _ => scores[id],
        };
        vocabulary.push(json!([text, score]));
        let special = matches!(kind, TokenType::Control | TokenType::Unknown);
        if special || *kind == TokenType::UserDefined {
            added.push(json!({
                "id": id, "content": text, "special": special, "normalized": false,
                "lstrip": false, "rstrip": false, "single_word": false,
            }));
        }
    }
    let mut normalizers = Vec::new();
    if let Some(charsmap) = charsmap(metadata)? {
        normalizers.push(json!({ "type": "Precompiled", "precompiled_charsmap": charsmap }));
    }
    if source.remove_extra_whitespaces.unwrap_or(false) {
        normalizers.push(json!({ "type": "Strip", "strip_left": false, "strip_right": true }));
        normalizers
            .push(json!({ "type": "Replace", "pattern": { "Regex": " {2,}" }, "content": "▁" }));
    }
    let prefix = match source.add_space_prefix {
        Some(false) => "never",
        _ => "always",
    };
    let space =
        json!({ "type": "Metaspace", "replacement": "▁", "prepend_scheme": prefix, "split": true });
    let begin = source.bos.filter(|_| source.add_bos.unwrap_or(false));
    let end = source.eos.filter(|_| source.add_eos.unwrap_or(true));
    let config = json!({ "bos_token": source.bos.map(text), "eos_token": source.eos.map(text), "eos_token_id": source.eos_ids });
    let tokenizer = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": { "type": "Sequence", "normalizers": normalizers },
        "pre_tokenizer": space,
        "post_processor": around(begin.map(|id| (id, text(id))), end.map(|id| (id, text(id)))),
        "decoder": space,
        "model": { "type": "Unigram", "unk_id": unknown, "vocab": vocabulary, "byte_fallback": bytes },
    });
    Ok((tokenizer, config))
}

/// `<s> A </s>` and, for pairs, `<s> A </s></s> B </s>`, or without the start.
fn around(begin: Option<(u32, &str)>, end: Option<(u32, &str)>) -> Json {
    let special = |token: Option<(u32, &str)>, type_id: u32| {
        token.map(|(_, text)| json!({ "SpecialToken": { "id": text, "type_id": type_id } }))
    };
    let sequence =
        |name: &str, type_id: u32| Some(json!({ "Sequence": { "id": name, "type_id": type_id } }));
    let template =
        |parts: Vec<Option<Json>>| -> Vec<Json> { parts.into_iter().flatten().collect() };
    let first = [special(begin, 0), sequence("A", 0), special(end, 0)];
    let mut pair = first.to_vec();
    pair.push(begin.and_then(|_| special(end, 0)));
    pair.extend([sequence("B", 0), special(end, 0)]);
    let tokens: serde_json::Map<String, Json> = [begin, end]
        .into_iter()
        .flatten()
        .map(|(id, text)| {
            (
                text.to_owned(),
                json!({ "id": text, "ids": [id], "tokens": [text] }),
            )
        })
        .collect();
    json!({
        "type": "TemplateProcessing",
        "single": template(first.to_vec()),
        "pair": template(pair),
        "special_tokens": tokens,
    })
}

/// How characters are normalised, in base64. Files of some converters have that text instead of the bytes.
fn charsmap(metadata: &Metadata) -> Result<Option<String>> {
    const KEY: &str = "tokenizer.ggml.precompiled_charsmap";
    let bytes: Vec<u8> = match metadata.get(KEY) {
        None => return Ok(None),
        Some(Value::String(text)) => return Ok(Some(text.clone())),
        Some(Value::Array(Array::U8(bytes))) => bytes.clone(),
        Some(Value::Array(Array::I8(bytes))) => {
            bytes.iter().map(|byte| byte.cast_unsigned()).collect()
        }
        Some(Value::Array(Array::String(parts))) => return Ok(Some(parts.iter().collect())),
        Some(_) => return Err(invalid(format!("{KEY} is no list of bytes"))),
    };
    if bytes.is_empty() {
        return Ok(None);
    }
    let trie = bytes
        .first_chunk()
        .map_or(u32::MAX, |size| u32::from_le_bytes(*size));
    let text = std::str::from_utf8(&bytes)
        .ok()
        .filter(|_| trie as usize > bytes.len());
    Ok(Some(match text {
        Some(text) => text.to_owned(),
        None => base64::encode(&bytes),
    }))
}
