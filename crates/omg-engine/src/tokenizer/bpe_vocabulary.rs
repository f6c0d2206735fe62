//! Byte-pair encoding from the metadata of a GGUF file: kinds `gpt2` and `gemma4`.

use std::collections::HashMap;

use omg_format::{TokenType, TokenizerMetadata};

use super::bpe::{Bpe, Merges, NO_TOKEN, Spelling};
use super::byte_level;
use super::file::invalid;
use super::pre_names::PreDefaults;
use super::pre_tokenizer::PreTokenizer;
use crate::error::Result;

/// The squares of the lengths of all tokens, together, where merges are found from tokens. Real vocabularies have a hundredth.
const MOST_SPLITTING: usize = 1 << 30;

/// What the kind and the model's name say about a vocabulary.
pub(super) struct Learned<'a> {
    pub(super) architecture: &'a str,
    /// By which text is cut, where the vocabulary comes with a pattern of its own.
    pub(super) pattern: Option<&'a str>,
}

/// With what holds unless the metadata says otherwise.
pub(super) fn bpe(
    source: &TokenizerMetadata<'_>,
    learned: &Learned<'_>,
) -> Result<(Bpe, PreDefaults)> {
    let pre = match (source.pre, source.model) {
        (_, "gemma4") => "gemma4",
        (Some(pre), _) => pre,
        (None, _) => undeclared_pre(source, learned.architecture),
    };
    let (mut pre_tokenizer, defaults) = PreTokenizer::named(pre)?;
    if let Some(pattern) = learned.pattern {
        pre_tokenizer = PreTokenizer::of_pattern(pattern)?;
    }
    let mut ids: HashMap<&str, u32> = HashMap::with_capacity(source.tokens.len());
    let mut byte_tokens = Box::new([NO_TOKEN; 256]);
    let mut characters = HashMap::new();
    for (id, (text, kind)) in (0u32..).zip(source.tokens.iter().zip(&source.token_types)) {
        match kind {
            // What a merge makes is text: never a control token, whatever the merges say.
            TokenType::Control | TokenType::Unknown => continue,
            TokenType::Byte if defaults.plain_text => {
                if let Some(byte) = byte_level::byte_token(text) {
                    byte_tokens[usize::from(byte)] = id;
                }
                continue;
            }
            _ => ids.entry(text).or_insert(id),
        };
        let mut chars = text.chars();
        let (Some(c), None) = (chars.next(), chars.next()) else {
            continue;
        };
        if defaults.plain_text {
            characters.entry(c).or_insert(id);
        } else if let Some(byte) = byte_level::byte_of(c)
            && byte_tokens[usize::from(byte)] == NO_TOKEN
        {
            byte_tokens[usize::from(byte)] = id;
        }
    }
    let bytes_of = |text: &str| byte_level::bytes_of(text).map(Vec::into_boxed_slice);
    let by_bytes = || -> HashMap<Box<[u8]>, u32> {
        ids.iter()
            .filter_map(|(text, id)| Some((bytes_of(text)?, *id)))
            .collect()
    };
    let merges = match source.merges {
        Some(list) => listed(list.iter(), &ids)?,
        None if pre == "kimi-k2" || learned.pattern.is_some() => by_rank(&by_bytes())?,
        None => {
            return Err(invalid(
                "the vocabulary has no merges (tokenizer.ggml.merges)",
            ));
        }
    };
    let bpe = Bpe {
        pre_tokenizer,
        spelling: match defaults.plain_text {
            true => Spelling::Characters(characters),
            // Their tokenizer.json files say so, which GGUF does not carry.
            false => Spelling::Bytes {
                composed: learned.architecture.starts_with("qwen")
                    && matches!(pre, "qwen2" | "qwen35"),
            },
        },
        byte_tokens,
        merges,
        whole_words: (defaults.ignore_merges || source.merges.is_none()).then(by_bytes),
        unknown: source.unknown,
    };
    Ok((bpe, defaults))
}

fn listed<'a>(
    list: impl ExactSizeIterator<Item = &'a str>,
    ids: &HashMap<&str, u32>,
) -> Result<Merges> {
    let mut merges = Merges::with_capacity(list.len());
    let mut joined = String::new();
    for (rank, merge) in list.enumerate() {
        // The alphabet has no space, but a damaged file may: the first character is never the border.
        let border = merge
            .char_indices()
            .skip(1)
            .find(|(_, c)| *c == ' ')
            .map(|(at, _)| at);
        let Some(at) = border else {
            return Err(invalid(format!(
                "merge {rank} of the vocabulary is not a pair"
            )));
        };
        let (left, right) = (&merge[..at], &merge[at + 1..]);
        joined.clear();
        joined.push_str(left);
        joined.push_str(right);
        if let (Some(left), Some(right), Some(merged)) =
            (ids.get(left), ids.get(right), ids.get(joined.as_str()))
        {
            merges.insert(*left, *right, rank as u32, *merged);
        }
    }
    Ok(merges)
}

/// The merges of a vocabulary in the order in which it was learned: any two tokens that together are a third are merged, and
/// the order is that of the third.
fn by_rank(tokens: &HashMap<Box<[u8]>, u32>) -> Result<Merges> {
    let mut merges = Merges::with_capacity(4 * tokens.len());
    let mut work = 0usize;
    for (token, id) in tokens {
        work = work.saturating_add(token.len().saturating_mul(token.len()));
        if work > MOST_SPLITTING {
            return Err(invalid("the tokens of the vocabulary are too long"));
        }
        for at in 1..token.len() {
            if let (Some(left), Some(right)) = (tokens.get(&token[..at]), tokens.get(&token[at..]))
            {
                merges.insert(*left, *right, *id, *id);
            }
        }
    }
    Ok(merges)
}

/// Files of some converters leave the pre-tokenizer out where the family has only one.
fn undeclared_pre(source: &TokenizerMetadata<'_>, architecture: &str) -> &'static str {
    match architecture {
        "qwen2" | "qwen2moe" | "qwen3" | "qwen3moe" => "qwen2",
        "llama"
            if source.tokens.len() >= 128_000
                && source.tokens.iter().any(|text| text == "<|begin_of_text|>") =>
        {
            "llama-bpe"
        }
        _ => {
            tracing::warn!(
                "the model does not name its pre-tokenizer: its tokens may differ from those of its training"
            );
            "default"
        }
    }
}
