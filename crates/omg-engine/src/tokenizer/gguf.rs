use std::collections::HashMap;

use omg_format::{Metadata, TokenType, TokenizerMetadata};

use super::bpe::{Bpe, Merges, NO_TOKEN};
use super::file::invalid;
use super::pair::PairFrame;
use super::pre_tokenizer::PreTokenizer;
use super::specials::{Special, Specials};
use super::spm::{Spm, first_border};
use super::vocabulary::Vocabulary;
use super::{Model, Tokenizer, byte_level, word_piece};
use crate::error::{EngineError, Result};

impl Tokenizer {
    /// From the metadata of a GGUF file: kinds `gpt2` (byte-level BPE), `llama` (SPM) and `bert` (WordPiece).
    pub fn from_gguf(metadata: &Metadata) -> Result<Self> {
        let found = TokenizerMetadata::of(metadata).map_err(|error| invalid(error.to_string()))?;
        let source = found.ok_or_else(|| invalid("the model has no tokenizer"))?;
        if source.tokens.len() >= NO_TOKEN as usize - 1 {
            return Err(invalid("the vocabulary is too large"));
        }
        if source.model == "bert" {
            return Self::from_json(&word_piece::of_gguf(&source, metadata)?);
        }
        let model_name = metadata
            .str("general.name")
            .ok()
            .flatten()
            .unwrap_or_default();
        let architecture = metadata
            .str("general.architecture")
            .ok()
            .flatten()
            .unwrap_or_default();
        let (model, default_bos, default_eos) = match source.model {
            "gpt2" => {
                let (bpe, add_bos) = bpe(&source, architecture)?;
                (Model::Bpe(bpe), add_bos, false)
            }
            "llama" => (Model::Spm(spm(&source)?), true, false),
            other => {
                return Err(EngineError::Unsupported(format!(
                    "the tokenizer kind {other:?} is not supported (supported: gpt2, llama, bert)"
                )));
            }
        };
        let spm = matches!(model, Model::Spm(_));
        // SPM vocabularies have these ids where the metadata is silent.
        let or_usual = |id: Option<u32>, usual: u32| {
            id.or((spm && (usual as usize) < source.tokens.len()).then_some(usual))
        };
        let bos = or_usual(source.bos, 1);
        let eos = or_usual(source.eos, 2);
        let vocabulary = vocabulary(&source, spm, bos, eos);
        let add_separator = metadata
            .bool("tokenizer.ggml.add_sep_token")
            .ok()
            .flatten()
            .unwrap_or(false);
        let token_of = |wanted: bool, id: Option<u32>| {
            if wanted {
                id.into_iter().collect()
            } else {
                Vec::new()
            }
        };
        let suffix = token_of(source.add_eos.unwrap_or(default_eos), eos);
        let mut between = suffix.clone();
        between.extend(token_of(add_separator, source.separator));
        Ok(Tokenizer {
            prefix: token_of(source.add_bos.unwrap_or(default_bos), bos),
            pair: PairFrame {
                between,
                after: suffix.clone(),
            },
            suffix,
            specials: Specials::new(specials(&source, model_name))?,
            vocabulary: vocabulary.into(),
            model,
        })
    }
}

fn vocabulary(
    source: &TokenizerMetadata<'_>,
    spm: bool,
    bos: Option<u32>,
    eos: Option<u32>,
) -> Vocabulary {
    let mut vocabulary = Vocabulary::default();
    (vocabulary.bos, vocabulary.eos, vocabulary.eot) = (bos, eos, source.eot);
    for (text, kind) in source.tokens.iter().zip(&source.token_types) {
        let special = matches!(kind, TokenType::Control | TokenType::Unknown);
        match kind {
            TokenType::Byte => match byte_level::byte_token(text) {
                Some(byte) => vocabulary.push(&[byte], special),
                None => vocabulary.push(text.as_bytes(), special),
            },
            TokenType::Control | TokenType::Unknown => vocabulary.push(text.as_bytes(), special),
            _ if spm => vocabulary.push(text.replace('▁', " ").as_bytes(), special),
            TokenType::UserDefined => vocabulary.push(text.as_bytes(), special),
            _ => match byte_level::bytes_of(text) {
                Some(bytes) => vocabulary.push(&bytes, special),
                None => vocabulary.push(text.as_bytes(), special),
            },
        }
    }
    let ends = [
        eos,
        source.eot,
        source.eom,
        source.fim_pad,
        source.fim_rep,
        source.fim_sep,
    ];
    let mut declared: Vec<u32> = ends.into_iter().flatten().collect();
    declared.extend(&source.eos_ids);
    let named = (0..source.tokens.len() as u32).filter(|id| {
        !matches!(
            source.token_types[*id as usize],
            TokenType::Normal | TokenType::Unused | TokenType::Byte
        )
    });
    vocabulary.find_eog(&declared, named);
    vocabulary
}

fn specials(source: &TokenizerMetadata<'_>, model_name: &str) -> Vec<Special> {
    let model_name = model_name.to_lowercase();
    let phi3 = model_name.contains("phi-3") || model_name.contains("phi3");
    let mut specials = Vec::new();
    for (id, (text, kind)) in source.tokens.iter().zip(&source.token_types).enumerate() {
        let always = match kind {
            TokenType::UserDefined => true,
            TokenType::Control | TokenType::Unknown => false,
            _ => continue,
        };
        specials.push(Special {
            // SPM writes spaces in user-defined tokens as it does elsewhere.
            text: if source.model == "llama" {
                text.replace('▁', " ")
            } else {
                text.to_owned()
            },
            id: id as u32,
            always,
            strip_left: false,
            // The added tokens of Phi-3 say so in its tokenizer.json, which GGUF does not carry.
            strip_right: phi3 && !matches!(text, "<unk>" | "<s>" | "<|endoftext|>"),
            single_word: false,
        });
    }
    specials
}

/// Also whether prompts begin with BOS unless the metadata says otherwise.
fn bpe(source: &TokenizerMetadata<'_>, architecture: &str) -> Result<(Bpe, bool)> {
    let pre = source
        .pre
        .unwrap_or_else(|| undeclared_pre(source, architecture));
    let (pre_tokenizer, defaults) = PreTokenizer::named(pre)?;
    let list = source
        .merges
        .ok_or_else(|| invalid("the vocabulary has no merges (tokenizer.ggml.merges)"))?;

    let mut ids: HashMap<&str, u32> = HashMap::with_capacity(source.tokens.len());
    let mut byte_tokens = Box::new([NO_TOKEN; 256]);
    for (id, (text, kind)) in source.tokens.iter().zip(&source.token_types).enumerate() {
        // What a merge makes is text: never a control token, whatever the merges say.
        if matches!(kind, TokenType::Control | TokenType::Unknown) {
            continue;
        }
        ids.entry(text).or_insert(id as u32);
        let mut chars = text.chars();
        if let (Some(c), None) = (chars.next(), chars.next())
            && let Some(byte) = byte_level::byte_of(c)
            && byte_tokens[usize::from(byte)] == NO_TOKEN
        {
            byte_tokens[usize::from(byte)] = id as u32;
        }
    }

    let mut merges = Merges::with_capacity(list.len());
    let mut joined = String::new();
    for (rank, merge) in list.iter().enumerate() {
        // The alphabet has no space, but a damaged file may: the first character is never the border.
        let border = merge
            .char_indices()
            .skip(1)
            .find(|(_, c)| *c == ' ')
            .map(|(at, _)| at);
        let (left, right) = match border {
            Some(at) => (&merge[..at], &merge[at + 1..]),
            None => {
                return Err(invalid(format!(
                    "merge {rank} of the vocabulary is not a pair"
                )));
            }
        };
        joined.clear();
        joined.push_str(left);
        joined.push_str(right);
        if let (Some(left), Some(right), Some(merged)) =
            (ids.get(left), ids.get(right), ids.get(joined.as_str()))
        {
            merges.insert(*left, *right, rank as u32, *merged);
        }
    }

    let whole_words = defaults.ignore_merges.then(|| {
        let bytes_and_id =
            |(text, id): (&&str, &u32)| Some((byte_level::bytes_of(text)?.into_boxed_slice(), *id));
        ids.iter().filter_map(bytes_and_id).collect()
    });
    let bpe = Bpe {
        pre_tokenizer,
        byte_tokens,
        merges,
        whole_words,
        unknown: source.unknown,
    };
    Ok((bpe, defaults.add_bos))
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

fn spm(source: &TokenizerMetadata<'_>) -> Result<Spm> {
    let scores = source
        .scores
        .as_ref()
        .ok_or_else(|| invalid("the vocabulary has no scores (tokenizer.ggml.scores)"))?;
    let mut tokens: HashMap<Box<str>, (u32, f32)> = HashMap::with_capacity(source.tokens.len());
    let mut byte_tokens = Box::new([None; 256]);
    let mut longest_token = 0;
    let mut spaces_begin_words = true;
    for (id, (text, kind)) in source.tokens.iter().zip(&source.token_types).enumerate() {
        let id = id as u32;
        match kind {
            // Merging makes text only: neither control tokens nor, from a typed "<0x41>", byte tokens.
            TokenType::Control | TokenType::Unknown => {}
            TokenType::Byte => {
                if let Some(byte) = byte_level::byte_token(text) {
                    byte_tokens[usize::from(byte)] = Some(id);
                }
            }
            _ => {
                longest_token = longest_token.max(text.len());
                spaces_begin_words &= first_border(text).is_none();
                tokens
                    .entry(text.into())
                    .or_insert((id, scores[id as usize]));
            }
        }
    }
    let unknown = source.unknown.or((!source.tokens.is_empty()).then_some(0));
    Ok(Spm {
        tokens,
        longest_token,
        spaces_begin_words,
        byte_tokens,
        unknown,
        add_space_prefix: source.add_space_prefix.unwrap_or(true),
    })
}
