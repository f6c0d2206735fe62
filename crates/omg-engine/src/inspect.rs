use std::collections::BTreeMap;
use std::path::Path;

use omg_format::{Array, Format, ModelFiles, TokenizerMetadata, Value};
use omg_models::{Description, Outline, Output, check_weight_types, describe};
use serde_json::{Value as Json, json};

use crate::error::{EngineError, Result};
use crate::tokenizer::{Tokenizer, token_text};
use crate::types::{Capability, ModelHeader, TensorSummary};

/// Arrays up to this length are shown whole.
const SHOWN_ARRAY: usize = 64;
/// Prefix, suffix and middle of the fill-in-the-middle formats, where the metadata does not name them.
const FIM_TOKENS: [[&str; 3]; 4] = [
    ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"],
    ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"],
    ["<fim-prefix>", "<fim-suffix>", "<fim-middle>"],
    ["<PRE>", "<SUF>", "<MID>"],
];

/// What the headers of a model say. Errors: `not_found`, `invalid_model_file`, `unsupported_architecture`,
/// `unsupported_quantization`. Bytes behind the headers are not read, so a file may be all hole there.
pub fn inspect(path: &Path) -> Result<ModelHeader> {
    let files = ModelFiles::open(path)?;
    let outline = describe(&files)?.outline();
    let capability = capability(outline.output)?;
    check_weight_types(&files, outline.layers)?;
    Tokenizer::require(&files)?;
    let tokenizer = files.tokenizer()?;
    let described = match &tokenizer {
        Some(metadata) => of_gguf(metadata),
        None => of_folder(&files),
    };
    let (format, architecture, mut metadata) = match files.format() {
        Format::Gguf => {
            let all = files.metadata();
            let architecture = all
                .str("general.architecture")?
                .unwrap_or(outline.architecture);
            let entries = all
                .iter()
                .map(|(key, value)| (key.to_owned(), shown(value)));
            ("gguf", architecture.to_owned(), entries.collect())
        }
        Format::Safetensors => (
            "safetensors",
            outline.architecture.to_owned(),
            synthesised(&files, &outline),
        ),
    };
    // Under the keys of newer files also where a file has older ones or none.
    for (key, id) in ["fim_pre", "fim_suf", "fim_mid"]
        .iter()
        .zip(described.fim.into_iter().flatten())
    {
        metadata
            .entry(format!("tokenizer.ggml.{key}_token_id"))
            .or_insert_with(|| json!(id));
    }
    let mut capabilities = vec![capability];
    if capability == Capability::Completion && described.fim.is_some() {
        capabilities.push(Capability::Insert);
    }
    Ok(ModelHeader {
        format: format.to_owned(),
        parameter_count: files.parameter_count(),
        quantization: files.quantization(),
        trained_context_length: outline.context_length,
        embedding_length: outline.hidden,
        block_count: outline.layers,
        size_bytes: files.total_bytes(),
        chat_template: described.chat_template,
        special_tokens: described.special_tokens,
        capabilities,
        tensors: files
            .tensors()
            .iter()
            .map(|t| TensorSummary {
                name: t.name.clone(),
                dtype: t.dtype.name().to_owned(),
                shape: t.shape.clone(),
            })
            .collect(),
        architecture,
        metadata,
    })
}

fn capability(output: Output) -> Result<Capability> {
    match output {
        Output::Text => Ok(Capability::Completion),
        Output::Embedding => Ok(Capability::Embedding),
        Output::Labels(1) => Ok(Capability::Rerank),
        Output::Labels(labels) => Err(EngineError::Unsupported(format!(
            "a classifier of {labels} labels has no route; rerankers have one label"
        ))),
    }
}

/// What the tokenizer's side says.
struct Described {
    chat_template: Option<String>,
    special_tokens: BTreeMap<String, String>,
    /// Prefix, suffix and middle of fill-in-the-middle prompts.
    fim: Option<[u32; 3]>,
}

fn of_gguf(tokenizer: &TokenizerMetadata<'_>) -> Described {
    let ids = [
        ("bos_token", tokenizer.bos),
        ("eos_token", tokenizer.eos),
        ("eot_token", tokenizer.eot),
        ("eom_token", tokenizer.eom),
        ("unk_token", tokenizer.unknown),
        ("sep_token", tokenizer.separator),
        ("pad_token", tokenizer.padding),
    ];
    let text = |id: u32| tokenizer.tokens.get(id as usize).map(str::to_owned);
    let named = [tokenizer.fim_pre, tokenizer.fim_suf, tokenizer.fim_mid];
    Described {
        chat_template: tokenizer.chat_template.map(str::to_owned),
        special_tokens: ids
            .into_iter()
            .filter_map(|(name, id)| Some((name.to_owned(), text(id?)?)))
            .collect(),
        fim: all_of(named).or_else(|| {
            find_fim(|wanted| tokenizer.tokens.iter().position(|token| token == wanted))
        }),
    }
}

fn find_fim(find: impl Fn(&str) -> Option<usize>) -> Option<[u32; 3]> {
    FIM_TOKENS
        .iter()
        .find_map(|set| all_of(set.map(|token| find(token).and_then(|id| u32::try_from(id).ok()))))
}

fn all_of(ids: [Option<u32>; 3]) -> Option<[u32; 3]> {
    Some([ids[0]?, ids[1]?, ids[2]?])
}

fn of_folder(files: &ModelFiles) -> Described {
    let folder = files.folder();
    let config = folder.and_then(|f| f.tokenizer_config.as_ref());
    let map = folder.and_then(|f| f.special_tokens_map.as_ref());
    let mut special_tokens = BTreeMap::new();
    for name in [
        "bos_token",
        "eos_token",
        "unk_token",
        "sep_token",
        "pad_token",
        "cls_token",
        "mask_token",
    ] {
        let text = [config, map]
            .into_iter()
            .flatten()
            .find_map(|json| token_text(json.get(name)?));
        if let Some(text) = text {
            special_tokens.insert(name.to_owned(), text.to_owned());
        }
    }
    let added: Vec<(&str, usize)> = config
        .and_then(|c| c.get("added_tokens_decoder")?.as_object())
        .into_iter()
        .flatten()
        .filter_map(|(id, token)| Some((token.get("content")?.as_str()?, id.parse().ok()?)))
        .collect();
    Described {
        chat_template: folder.and_then(|f| f.chat_template.clone()),
        special_tokens,
        fim: find_fim(|wanted| {
            let found = added.iter().find(|(text, _)| *text == wanted);
            found.map(|(_, id)| *id)
        }),
    }
}

/// The keys a GGUF file of the same model would have.
fn synthesised(files: &ModelFiles, spec: &Outline) -> BTreeMap<String, Json> {
    let arch = spec.architecture;
    let mut all = BTreeMap::from([
        ("general.architecture".to_owned(), json!(arch)),
        (format!("{arch}.context_length"), json!(spec.context_length)),
        (format!("{arch}.embedding_length"), json!(spec.hidden)),
        (format!("{arch}.block_count"), json!(spec.layers)),
        (format!("{arch}.vocab_size"), json!(spec.vocab)),
    ]);
    let config = files.config();
    for (key, from) in [
        ("feed_forward_length", "intermediate_size"),
        ("attention.head_count", "num_attention_heads"),
        ("attention.head_count_kv", "num_key_value_heads"),
        ("attention.layer_norm_rms_epsilon", "rms_norm_eps"),
        ("rope.freq_base", "rope_theta"),
    ] {
        if let Some(value) = config.and_then(|c| c.get(from)).filter(|v| v.is_number()) {
            all.insert(format!("{arch}.{key}"), value.clone());
        }
    }
    all
}

fn shown(value: &Value) -> Json {
    match value {
        Value::Bool(b) => json!(b),
        Value::String(text) => json!(text),
        Value::Array(array) if array.len() > SHOWN_ARRAY => json!({ "arrayLength": array.len() }),
        Value::Array(array) => shown_array(array),
        Value::F32(_) | Value::F64(_) => number(value.as_f64()),
        _ => match value.as_i128() {
            // Larger numbers would lose digits in JavaScript, where they arrive anyway.
            Some(n) => i64::try_from(n).map_or_else(|_| number(value.as_f64()), |n| json!(n)),
            None => Json::Null,
        },
    }
}

fn shown_array(array: &Array) -> Json {
    (0..array.len())
        .map(|i| array.get(i).map_or(Json::Null, |v| shown(&v)))
        .collect()
}

/// JSON has no NaN and no infinity.
fn number(value: Option<f64>) -> Json {
    value
        .and_then(serde_json::Number::from_f64)
        .map_or(Json::Null, Json::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fill_in_tokens_are_found_as_a_whole_set_only() {
        let find =
            |tokens: &[&str]| find_fim(|wanted| tokens.iter().position(|token| *token == wanted));
        let code = [
            "a",
            "<fim_suffix>",
            "<fim_prefix>",
            "<|fim_prefix|>",
            "<fim_middle>",
        ];
        assert_eq!(find(&code), Some([2, 1, 4]));
        assert_eq!(find(&code[..4]), None);
    }
}
