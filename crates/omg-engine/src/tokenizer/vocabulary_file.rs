//! Vocabularies of safetensors folders that have no `tokenizer.json`: SentencePiece's `tokenizer.model`, Mistral's `tekken.json`
//! and tiktoken's files. Each is read into the form that GGUF files have, so that there is one tokenizer for each kind.

use std::collections::HashSet;
use std::path::Path;

use omg_format::{FolderFiles, TokenType};
use serde_json::Value as Json;

use super::file::{invalid, read, token_text};
use super::folder_vocabulary::FolderVocabulary;
use super::{Tokenizer, sentencepiece, tekken, tiktoken};
use crate::error::{EngineError, Result};

/// As many ids as an added token may be behind the last one that has a text.
const MOST_ADDED: usize = 1 << 16;

/// None where the folder has no such file.
pub(super) fn open(folder: &FolderFiles) -> Result<Option<Tokenizer>> {
    let model_type = folder.config.get("model_type").and_then(Json::as_str);
    let model_type = model_type.unwrap_or_default();
    let (path, vocabulary) = if let Some(path) = &folder.tekken {
        (path, tekken::read(&read(path)?))
    } else if let Some(path) = &folder.tiktoken {
        (path, tiktoken::read(&read(path)?, model_type))
    } else if let Some(path) = &folder.tokenizer_model {
        let bytes = read(path)?;
        (
            path,
            match tiktoken::is_one(&bytes) {
                true => tiktoken::read(&bytes, model_type),
                false => sentencepiece::read(&bytes),
            },
        )
    } else {
        return Ok(None);
    };
    let tokenizer = vocabulary.and_then(|mut vocabulary| {
        add_tokens(&mut vocabulary, folder)?;
        let ends = declare(&mut vocabulary, folder);
        Tokenizer::from_metadata(&vocabulary.metadata(ends), vocabulary.pattern.as_deref())
    });
    tokenizer.map(Some).map_err(|error| in_file(error, path))
}

fn in_file(error: EngineError, path: &Path) -> EngineError {
    match error {
        EngineError::Coded {
            code,
            message,
            hint,
        } => EngineError::Coded {
            code,
            message: format!("{}: {message}", path.display()),
            hint,
        },
        EngineError::Unsupported(message) => {
            EngineError::Unsupported(format!("{}: {message}", path.display()))
        }
        other => other,
    }
}

/// Those that the configuration files add to the vocabulary, and what they say about others.
fn add_tokens(vocabulary: &mut FolderVocabulary, folder: &FolderFiles) -> Result<()> {
    let mut added: Vec<(usize, String, bool)> = Vec::new();
    let config = folder.tokenizer_config.as_ref().unwrap_or(&Json::Null);
    for (id, token) in config
        .get("added_tokens_decoder")
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
    {
        let special = token
            .get("special")
            .and_then(Json::as_bool)
            .unwrap_or(false);
        if let (Ok(id), Some(text)) = (id.parse(), token_text(token)) {
            added.push((id, text.to_owned(), special));
        }
    }
    let decoded: HashSet<usize> = added.iter().map(|(id, _, _)| *id).collect();
    for (text, id) in folder
        .added_tokens
        .as_ref()
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
    {
        if let Some(id) = id.as_u64().and_then(|id| usize::try_from(id).ok())
            && !decoded.contains(&id)
        {
            added.push((id, text.clone(), true));
        }
    }
    let most = vocabulary.tokens.len() + MOST_ADDED;
    for (id, text, special) in added {
        if id >= most {
            return Err(invalid(format!(
                "the configuration adds a token of id {id}, far above the number of tokens"
            )));
        }
        if id >= vocabulary.tokens.len() {
            vocabulary
                .tokens
                .resize(id + 1, (String::new(), TokenType::Unused));
            if !vocabulary.scores.is_empty() {
                vocabulary.scores.resize(id + 1, 0.0);
            }
        }
        let kind = match special {
            true => TokenType::Control,
            false => TokenType::UserDefined,
        };
        // What the file itself says of its tokens stays, such as which one is unknown.
        let known = vocabulary.tokens[id].0 == text
            && matches!(
                vocabulary.tokens[id].1,
                TokenType::Unknown | TokenType::Control | TokenType::Byte
            );
        if !known {
            vocabulary.tokens[id] = (text, kind);
        }
    }
    Ok(())
}

/// The tokens that begin and end texts, as the configuration files have them; returns those that end an answer.
fn declare(vocabulary: &mut FolderVocabulary, folder: &FolderFiles) -> Vec<u32> {
    let empty = Json::Null;
    let tokenizer = folder.tokenizer_config.as_ref().unwrap_or(&empty);
    let configs = [
        tokenizer,
        folder.special_tokens_map.as_ref().unwrap_or(&empty),
        folder.generation_config.as_ref().unwrap_or(&empty),
        &folder.config,
    ];
    let named = |key: &str| {
        let text = configs
            .iter()
            .find_map(|config| token_text(config.get(key)?))?;
        let at = vocabulary
            .tokens
            .iter()
            .position(|(token, _)| token == text)?;
        u32::try_from(at).ok()
    };
    let (bos, eos) = (named("bos_token"), named("eos_token"));
    vocabulary.bos = bos.or(vocabulary.bos);
    vocabulary.eos = eos.or(vocabulary.eos);
    let flag = |key: &str| tokenizer.get(key).and_then(Json::as_bool);
    vocabulary.add_bos = flag("add_bos_token").unwrap_or(vocabulary.add_bos);
    vocabulary.add_eos = flag("add_eos_token").unwrap_or(vocabulary.add_eos);
    let ids = configs
        .iter()
        .filter_map(|config| config.get("eos_token_id"));
    let ids = ids.flat_map(|ids| {
        ids.as_array()
            .map_or(std::slice::from_ref(ids), Vec::as_slice)
    });
    ids.filter_map(|id| u32::try_from(id.as_u64()?).ok())
        .collect()
}
