use std::path::Path;

use omg_format::FolderFiles;
use serde::Deserialize;
use serde_json::Value as Json;
use tokenizers::{NormalizedString, Normalizer as _};

use super::file::{invalid, read, token_text};
use super::json_model::{JsonModel, guarded};
use super::pair::PairFrame;
use super::specials::{Special, Specials};
use super::vocabulary::Vocabulary;
use super::{Model, Tokenizer, base64, byte_level, vocabulary_file, word_piece};
use crate::error::{EngineError, Result};

/// Far above what any tokenizer needs; a line of replacements could else fill the memory.
const MAX_GROWTH: usize = 256;

/// The parts of tokenizer.json that say how tokens become text.
#[derive(Deserialize)]
struct Outline {
    #[serde(default)]
    decoder: Json,
    #[serde(default)]
    normalizer: Json,
    #[serde(default)]
    pre_tokenizer: Json,
    #[serde(default)]
    added_tokens: Vec<Added>,
    #[serde(default)]
    model: ModelOutline,
}

/// What the library does not check of its models.
#[derive(Deserialize, Default)]
#[serde(default)]
struct ModelOutline {
    continuing_subword_prefix: Option<String>,
}

impl ModelOutline {
    /// The library cuts the prefix off the right half of each merge without looking whether it is there: within a character
    /// that would be text that is none.
    fn joins_whole_tokens(&self, bytes: &[u8]) -> bool {
        #[derive(Deserialize)]
        struct File {
            model: Merges,
        }
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Merges {
            merges: Vec<Merge>,
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Merge {
            Pair([String; 2]),
            Line(String),
        }
        let prefix = self
            .continuing_subword_prefix
            .as_deref()
            .unwrap_or_default();
        prefix.is_empty()
            || serde_json::from_slice::<File>(bytes).is_ok_and(|file| {
                file.model.merges.iter().all(|merge| match merge {
                    Merge::Pair([_, right]) => right.starts_with(prefix),
                    Merge::Line(line) => line
                        .split_once(' ')
                        .is_some_and(|(_, right)| right.starts_with(prefix)),
                })
            })
    }
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
    #[serde(default)]
    special: bool,
    #[serde(default)]
    normalized: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    #[serde(default)]
    single_word: bool,
}

fn no_tokenizer() -> EngineError {
    EngineError::Coded {
        code: "invalid_model_file",
        message: "the model folder has no tokenizer (tokenizer.json, tokenizer.model, tekken.json or a tiktoken file)".to_owned(),
        hint: Some(
            "download the tokenizer files of the model as well, or use a GGUF file of it"
                .to_owned(),
        ),
    }
}

/// How the texts of a vocabulary stand for bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    ByteLevel,
    /// ▁ for spaces, `<0xXX>` for bytes.
    SentencePiece,
    /// `##` continues a word, other tokens begin one.
    WordPiece,
    Plain,
}

impl Tokenizer {
    /// From a safetensors folder: `tokenizer.json`, with the special tokens and end tokens of the configuration files, else
    /// what older models have in its place.
    pub fn from_folder(folder: &FolderFiles) -> Result<Self> {
        let Some(path) = folder.tokenizer_json.as_deref() else {
            if let Some(tokenizer) = vocabulary_file::open(folder)? {
                return Ok(tokenizer);
            }
            return match word_piece::of_vocabulary_file(folder)? {
                Some(json) => Self::from_json(&json),
                None => Err(no_tokenizer()),
            };
        };
        let empty = Json::Null;
        let configs = [
            folder.tokenizer_config.as_ref().unwrap_or(&empty),
            folder.special_tokens_map.as_ref().unwrap_or(&empty),
            folder.generation_config.as_ref().unwrap_or(&empty),
            &folder.config,
        ];
        Self::from_tokenizer_json(path, &configs)
    }

    pub(super) fn require_in_folder(folder: &FolderFiles) -> Result<()> {
        let files = [
            &folder.tokenizer_json,
            &folder.vocab_txt,
            &folder.tokenizer_model,
            &folder.tekken,
            &folder.tiktoken,
        ];
        match files.iter().any(|file| file.is_some()) {
            true => Ok(()),
            false => Err(no_tokenizer()),
        }
    }

    /// From a `tokenizer.json`. `configs`, the most telling first, are searched for `bos_token`, `eos_token`, `add_bos_token`,
    /// `bos_token_id` and `eos_token_id`.
    pub fn from_tokenizer_json(path: &Path, configs: &[&Json]) -> Result<Self> {
        let damaged =
            |error: &dyn std::fmt::Display| invalid(format!("{}: {error}", path.display()));
        Self::from_bytes(read(path)?, &damaged, configs)
    }

    /// From the bytes of a `tokenizer.json` alone.
    pub fn from_tokenizer_json_bytes(bytes: &[u8]) -> Result<Self> {
        let damaged = |error: &dyn std::fmt::Display| invalid(error.to_string());
        Self::from_bytes(bytes.to_vec(), &damaged, &[])
    }

    /// From a `tokenizer.json` that was made from another form of the vocabulary.
    pub(super) fn from_json(json: &Json) -> Result<Self> {
        Self::from_tokenizer_json_bytes(json.to_string().as_bytes())
    }

    /// As `from_json`, with what `tokenizer_config.json` would say.
    pub(super) fn from_json_beside(json: &Json, config: &Json) -> Result<Self> {
        let damaged = |error: &dyn std::fmt::Display| invalid(error.to_string());
        Self::from_bytes(json.to_string().into_bytes(), &damaged, &[config])
    }

    fn from_bytes(
        bytes: Vec<u8>,
        damaged: &dyn Fn(&dyn std::fmt::Display) -> EngineError,
        configs: &[&Json],
    ) -> Result<Self> {
        guarded(|| Self::read(&bytes, damaged, configs)).unwrap_or_else(|| {
            Err(damaged(
                &"the tokenizer is damaged: its library fails on it",
            ))
        })
    }

    fn read(
        bytes: &[u8],
        damaged: &dyn Fn(&dyn std::fmt::Display) -> EngineError,
        configs: &[&Json],
    ) -> Result<Self> {
        let outline: Outline = serde_json::from_slice(bytes).map_err(|error| damaged(&error))?;
        if !outline.model.joins_whole_tokens(bytes) {
            return Err(damaged(
                &"a merge does not go on with the prefix of its model",
            ));
        }
        if growth(&outline.normalizer) > MAX_GROWTH {
            return Err(damaged(&format!(
                "its normalizer makes text more than {MAX_GROWTH} times as long"
            )));
        }
        let mut inner =
            tokenizers::Tokenizer::from_bytes(bytes).map_err(|error| damaged(&error))?;
        inner.with_padding(None);
        inner
            .with_truncation(None)
            .map_err(|error| damaged(&error))?;

        let spelling = outline.spelling();
        let mut vocabulary = vocabulary(&inner, &outline, spelling)?;
        vocabulary.bos = named_token(&vocabulary, configs, "bos_token");
        vocabulary.eos = named_token(&vocabulary, configs, "eos_token");
        let mut declared: Vec<u32> = vocabulary.eos.into_iter().collect();
        declared.extend(
            configs
                .iter()
                .flat_map(|config| ids_of(config, "eos_token_id")),
        );
        vocabulary.find_eog(&declared, outline.added_tokens.iter().map(|added| added.id));

        let (mut prefix, suffix) = template_tokens(&inner).map_err(|error| damaged(&error))?;
        let pair = pair_frame(&inner, &suffix).map_err(|error| damaged(&error))?;
        let around = [&prefix, &suffix, &pair.between, &pair.after];
        if let Some(id) = around
            .into_iter()
            .flatten()
            .find(|id| **id as usize >= vocabulary.len())
        {
            return Err(damaged(&format!(
                "it puts token {id} around texts, which it does not have"
            )));
        }
        vocabulary.bos = vocabulary.bos.or(prefix.first().copied());
        match configs
            .iter()
            .find_map(|config| config.get("add_bos_token")?.as_bool())
        {
            Some(false) => prefix.retain(|id| Some(*id) != vocabulary.bos),
            Some(true) if prefix.is_empty() => prefix.extend(vocabulary.bos),
            _ => {}
        }
        let strips_leading_space = outline.strips_leading_space();
        let (specials, normalized) = outline.specials(&inner).map_err(|error| damaged(&error))?;
        Ok(Tokenizer {
            vocabulary: vocabulary.into(),
            specials: Specials::new(specials)?,
            model: Model::Json(Box::new(JsonModel {
                inner,
                normalized: Specials::new(normalized)?,
                strips_leading_space,
            })),
            prefix,
            suffix,
            pair,
        })
    }
}

impl Outline {
    fn spelling(&self) -> Spelling {
        let decoders = if self.decoder.is_null() {
            &self.pre_tokenizer
        } else {
            &self.decoder
        };
        if has_part(decoders, "ByteLevel") || has_part(&self.normalizer, "ByteLevel") {
            Spelling::ByteLevel
        } else if has_part(decoders, "WordPiece") {
            Spelling::WordPiece
        } else if ["Metaspace", "ByteFallback", "Replace"]
            .iter()
            .any(|part| has_part(decoders, part))
        {
            Spelling::SentencePiece
        } else {
            Spelling::Plain
        }
    }

    /// Whether decoding takes away a space that encoding had put in front.
    fn strips_leading_space(&self) -> bool {
        let metaspace = find_part(&self.decoder, "Metaspace").is_some_and(|part| {
            part.get("prepend_scheme").and_then(Json::as_str) != Some("never")
                && part.get("add_prefix_space").and_then(Json::as_bool) != Some(false)
        });
        metaspace
            || has_part(&self.decoder, "WordPiece")
            || find_part(&self.decoder, "Strip")
                .is_some_and(|part| part["start"].as_u64() == Some(1))
    }

    /// Those to find in raw text and those to find in normalised text.
    fn specials(
        &self,
        inner: &tokenizers::Tokenizer,
    ) -> tokenizers::Result<(Vec<Special>, Vec<Special>)> {
        let (mut raw, mut normalized) = (Vec::new(), Vec::new());
        for added in &self.added_tokens {
            let mut special = Special {
                text: added.content.clone(),
                id: added.id,
                always: !added.special,
                strip_left: added.lstrip,
                strip_right: added.rstrip,
                single_word: added.single_word,
            };
            if added.special || !added.normalized {
                raw.push(special);
                continue;
            }
            if let Some(normalizer) = inner.get_normalizer() {
                let mut text = NormalizedString::from(special.text.as_str());
                normalizer.normalize(&mut text)?;
                special.text = text.get().to_owned();
            }
            normalized.push(special);
        }
        Ok((raw, normalized))
    }
}

/// How many times as long a text can become, where the normaliser writes text of its own.
fn growth(normalizer: &Json) -> usize {
    let length = |key: &str| normalizer.get(key).and_then(Json::as_str).map(str::len);
    let written = normalizer
        .get("precompiled_charsmap")
        .and_then(Json::as_str);
    let longest = written.map(longest_replacement);
    let own = length("content")
        .or(length("prepend"))
        .or(longest)
        .unwrap_or(1)
        .max(1);
    let parts = normalizer.get("normalizers").and_then(Json::as_array);
    parts
        .into_iter()
        .flatten()
        .fold(own, |all, part| all.saturating_mul(growth(part)))
}

/// Of what SentencePiece writes for characters: behind the size of a tree and the tree, texts that end with a zero.
fn longest_replacement(charsmap: &str) -> usize {
    let bytes = base64::decode(charsmap).unwrap_or_default();
    let tree = bytes
        .first_chunk()
        .map_or(0, |size| u32::from_le_bytes(*size) as usize);
    let texts = bytes.get(4usize.saturating_add(tree)..).unwrap_or_default();
    texts
        .split(|byte| *byte == 0)
        .map(<[u8]>::len)
        .max()
        .unwrap_or(0)
}

/// Whether a part of a decoder, normaliser or pre-tokenizer, at any depth of sequences, has this type.
fn has_part(json: &Json, kind: &str) -> bool {
    find_part(json, kind).is_some()
}

fn find_part<'a>(json: &'a Json, kind: &str) -> Option<&'a Json> {
    if json.get("type").and_then(Json::as_str) == Some(kind) {
        return Some(json);
    }
    let parts = ["decoders", "normalizers", "pretokenizers"]
        .iter()
        .find_map(|key| json.get(key)?.as_array())?;
    parts.iter().find_map(|part| find_part(part, kind))
}

fn vocabulary(
    inner: &tokenizers::Tokenizer,
    outline: &Outline,
    spelling: Spelling,
) -> Result<Vocabulary> {
    let plain = inner.get_vocab(false);
    // Each id up to the largest costs memory, so one far above the number of tokens is a lie.
    let most = 8 * (plain.len() + outline.added_tokens.len()) + (1 << 18);
    let ids = plain.values().copied();
    let ids = ids.chain(outline.added_tokens.iter().map(|added| added.id));
    let count = ids.max().map_or(0, |id| id as usize + 1);
    if count > most {
        return Err(invalid(format!(
            "tokenizer.json has a token of id {}, far above the number of its tokens",
            count - 1
        )));
    }
    let mut texts: Vec<Option<String>> = vec![None; count];
    let mut set = |id: u32, text: String| texts[id as usize] = Some(text);
    for (text, id) in plain {
        set(id, text);
    }
    let mut special = std::collections::HashSet::new();
    let mut added = std::collections::HashSet::new();
    for token in &outline.added_tokens {
        set(token.id, token.content.clone());
        added.insert(token.id);
        if token.special {
            special.insert(token.id);
        }
    }
    let mut vocabulary = Vocabulary::default();
    for (id, text) in (0u32..).zip(texts) {
        let text = text.unwrap_or_default();
        let is_special = special.contains(&id);
        let bytes = if is_special {
            text.into_bytes()
        } else {
            spelled(&text, spelling, added.contains(&id))
        };
        vocabulary.push(&bytes, is_special);
    }
    Ok(vocabulary)
}

fn spelled(text: &str, spelling: Spelling, added: bool) -> Vec<u8> {
    match spelling {
        Spelling::ByteLevel if added => text.as_bytes().to_vec(),
        Spelling::ByteLevel => {
            byte_level::bytes_of(text).unwrap_or_else(|| text.as_bytes().to_vec())
        }
        Spelling::SentencePiece => match byte_level::byte_token(text) {
            Some(byte) if !added => vec![byte],
            _ => text.replace('▁', " ").into_bytes(),
        },
        Spelling::WordPiece => match text.strip_prefix("##") {
            Some(rest) => rest.as_bytes().to_vec(),
            None => format!(" {text}").into_bytes(),
        },
        Spelling::Plain => text.as_bytes().to_vec(),
    }
}

/// `"<s>"` or `{"content": "<s>"}`, else the id under `…_id`.
fn named_token(vocabulary: &Vocabulary, configs: &[&Json], key: &str) -> Option<u32> {
    let by_text = configs
        .iter()
        .find_map(|config| vocabulary.id_of(token_text(config.get(key)?)?));
    let id_key = format!("{key}_id");
    let by_id = || {
        configs
            .iter()
            .find_map(|config| ids_of(config, &id_key).next())
    };
    by_text
        .or_else(by_id)
        .filter(|id| (*id as usize) < vocabulary.len())
}

/// One id or a list of them.
fn ids_of<'a>(config: &'a Json, key: &str) -> impl Iterator<Item = u32> + use<'a> {
    let value = config.get(key).unwrap_or(&Json::Null);
    let list = value
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or(std::slice::from_ref(value));
    list.iter()
        .filter_map(|id| u32::try_from(id.as_u64()?).ok())
}

/// What the post-processor puts before and after a text.
fn template_tokens(inner: &tokenizers::Tokenizer) -> tokenizers::Result<(Vec<u32>, Vec<u32>)> {
    let bare = inner.encode("a", false)?.get_ids().to_vec();
    let full = inner.encode("a", true)?.get_ids().to_vec();
    let place =
        (0..=full.len().saturating_sub(bare.len())).find(|at| full[*at..].starts_with(&bare));
    Ok(match place {
        Some(at) => (full[..at].to_vec(), full[at + bare.len()..].to_vec()),
        None => (Vec::new(), Vec::new()),
    })
}

/// What the post-processor puts between two texts and after them; as around single texts where it has nothing for pairs.
fn pair_frame(inner: &tokenizers::Tokenizer, suffix: &[u32]) -> tokenizers::Result<PairFrame> {
    let bare = inner.encode("a", false)?.get_ids().to_vec();
    let full = inner.encode(("a", "a"), true)?.get_ids().to_vec();
    let mut places = (0..=full.len().saturating_sub(bare.len()))
        .filter(|at| !bare.is_empty() && full[*at..].starts_with(&bare));
    Ok(match (places.next(), places.next_back()) {
        (Some(first), Some(second)) if second >= first + bare.len() => PairFrame {
            between: full[first + bare.len()..second].to_vec(),
            after: full[second + bare.len()..].to_vec(),
        },
        _ => PairFrame {
            between: suffix.to_vec(),
            after: suffix.to_vec(),
        },
    })
}
