use std::collections::HashMap;

use omg_format::{Metadata, TokenType, TokenizerMetadata};

use super::bpe::NO_TOKEN;
use super::bpe_vocabulary::{Learned, bpe};
use super::file::invalid;
use super::greedy::{self, Greedy};
use super::pair::PairFrame;
use super::pre_names::PreDefaults;
use super::specials::{Special, Specials};
use super::spm::{Spm, first_border};
use super::vocabulary::Vocabulary;
use super::{Model, Tokenizer, byte_level, unigram, word_piece};
use crate::error::{EngineError, Result};

impl Tokenizer {
    /// From the metadata of a GGUF file: kinds `gpt2` and `gemma4` (BPE), `llama` (SPM), `t5` (Unigram), `bert` (WordPiece) and
    /// `rwkv`.
    pub fn from_gguf(metadata: &Metadata) -> Result<Self> {
        Self::from_metadata(metadata, None)
    }

    /// `pattern`: the one by which text is cut, where it has no name.
    pub(super) fn from_metadata(metadata: &Metadata, pattern: Option<&str>) -> Result<Self> {
        let found = TokenizerMetadata::of(metadata).map_err(|error| invalid(error.to_string()))?;
        let mut source = found.ok_or_else(|| invalid("the model has no tokenizer"))?;
        if source.tokens.len() >= NO_TOKEN as usize - 1 {
            return Err(invalid("the vocabulary is too large"));
        }
        let text_of = |key: &str| metadata.str(key).ok().flatten().unwrap_or_default();
        let model_name = text_of("general.name");
        let architecture = text_of("general.architecture");
        if source.model == "llama" && architecture == "gemma4" && source.merges.is_some() {
            // Ollama's converter keeps the kind of the models before.
            source.model = "gemma4";
        }
        let spm = source.model == "llama";
        let (model, defaults) = match source.model {
            "bert" => return Self::from_json(&word_piece::of_gguf(&source, metadata)?),
            "t5" => {
                let (json, config) = unigram::of_gguf(&source, metadata)?;
                return Self::from_json_beside(&json, &config);
            }
            "gpt2" | "gemma4" => {
                let (bpe, defaults) = bpe(
                    &source,
                    &Learned {
                        architecture,
                        pattern,
                    },
                )?;
                (Model::Bpe(Box::new(bpe)), defaults)
            }
            "llama" => {
                let add_bos = PreDefaults {
                    add_bos: true,
                    plain_text: true,
                    ..PreDefaults::default()
                };
                (Model::Spm(spm_model(&source)?), add_bos)
            }
            "rwkv" => (Model::Greedy(Greedy::new(&source)?), PreDefaults::default()),
            other => {
                return Err(EngineError::Unsupported(format!(
                    "the tokenizer kind {other:?} is not supported (supported: gpt2, gemma4, llama, t5, bert, rwkv)"
                )));
            }
        };
        // SPM vocabularies have these ids where the metadata is silent.
        let or_usual = |id: Option<u32>, usual: u32| {
            id.or((spm && (usual as usize) < source.tokens.len()).then_some(usual))
        };
        let bos = or_usual(source.bos, 1);
        let eos = or_usual(source.eos, 2);
        let spelled: fn(&str) -> Vec<u8> = match (&model, defaults.plain_text) {
            (Model::Greedy(_), _) => greedy::bytes_of,
            (_, true) => |text| text.replace('▁', " ").into_bytes(),
            (_, false) => {
                |text| byte_level::bytes_of(text).unwrap_or_else(|| text.as_bytes().to_vec())
            }
        };
        let mut vocabulary = vocabulary(&source, defaults.plain_text, spelled);
        (vocabulary.bos, vocabulary.eos, vocabulary.eot) = (bos, eos, source.eot);
        find_ends(&mut vocabulary, &source);
        let add_separator = metadata
            .bool("tokenizer.ggml.add_sep_token")
            .ok()
            .flatten()
            .unwrap_or(defaults.add_separator);
        let token_of = |wanted: bool, id: Option<u32>| {
            if wanted {
                id.into_iter().collect()
            } else {
                Vec::new()
            }
        };
        let suffix = token_of(source.add_eos.unwrap_or(false), eos);
        let mut between = suffix.clone();
        between.extend(token_of(add_separator, source.separator));
        Ok(Tokenizer {
            prefix: token_of(source.add_bos.unwrap_or(defaults.add_bos), bos),
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

/// `spelled`: the bytes of a token that is text; of those that are added to plain text as well.
fn vocabulary(
    source: &TokenizerMetadata<'_>,
    plain_text: bool,
    spelled: fn(&str) -> Vec<u8>,
) -> Vocabulary {
    let mut vocabulary = Vocabulary::default();
    for (text, kind) in source.tokens.iter().zip(&source.token_types) {
        let special = matches!(kind, TokenType::Control | TokenType::Unknown);
        let byte = match kind {
            TokenType::Byte => byte_level::byte_token(text),
            _ => None,
        };
        match byte {
            Some(byte) => vocabulary.push(&[byte], special),
            None if special || (*kind == TokenType::UserDefined && !plain_text) => {
                vocabulary.push(text.as_bytes(), special);
            }
            None => vocabulary.push(&spelled(text), special),
        }
    }
    vocabulary
}

fn find_ends(vocabulary: &mut Vocabulary, source: &TokenizerMetadata<'_>) {
    let ends = [
        vocabulary.eos,
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

fn spm_model(source: &TokenizerMetadata<'_>) -> Result<Spm> {
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
