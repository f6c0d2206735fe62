//! Mistral's `tekken.json`: a pattern, the tokens by rank, and the special tokens in front of them.

use omg_format::TokenType;
use serde::Deserialize;

use super::file::invalid;
use super::folder_vocabulary::FolderVocabulary;
use super::{base64, byte_level};
use crate::error::Result;

#[derive(Deserialize)]
struct File {
    config: Config,
    vocab: Vec<Token>,
    #[serde(default)]
    special_tokens: Option<Vec<Special>>,
}

#[derive(Deserialize)]
struct Config {
    pattern: String,
    /// Of both kinds together; the list may hold more.
    default_vocab_size: usize,
    default_num_special_tokens: usize,
}

#[derive(Deserialize)]
struct Token {
    rank: usize,
    token_bytes: String,
}

#[derive(Deserialize)]
struct Special {
    rank: usize,
    token_str: String,
}

/// The first special tokens, where the file is older than their list.
const FIRST: [&str; 20] = [
    "<unk>",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "[TOOL_CALLS]",
    "[IMG]",
    "<pad>",
    "[IMG_BREAK]",
    "[IMG_END]",
    "[PREFIX]",
    "[MIDDLE]",
    "[SUFFIX]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[TOOL_CONTENT]",
];

pub(super) fn read(bytes: &[u8]) -> Result<FolderVocabulary> {
    let file: File = serde_json::from_slice(bytes).map_err(|error| invalid(error.to_string()))?;
    let special = file.config.default_num_special_tokens;
    let plain = file
        .config
        .default_vocab_size
        .checked_sub(special)
        .filter(|plain| *plain <= file.vocab.len() && special <= 1 << 16)
        .ok_or_else(|| invalid("the sizes of the vocabulary contradict its lists"))?;
    let mut tokens: Vec<(String, TokenType)> = (0..special)
        .map(|id| (format!("<SPECIAL_{id}>"), TokenType::Control))
        .collect();
    match file.special_tokens {
        Some(list) => {
            for token in list {
                let place = tokens.get_mut(token.rank).ok_or_else(|| {
                    invalid(format!(
                        "the special token {:?} has the rank {}",
                        token.token_str, token.rank
                    ))
                })?;
                place.0 = token.token_str;
            }
        }
        None => {
            for (place, name) in tokens.iter_mut().zip(FIRST) {
                name.clone_into(&mut place.0);
            }
        }
    }
    tokens.resize(special + plain, (String::new(), TokenType::Unused));
    for token in file.vocab.iter().filter(|token| token.rank < plain) {
        let bytes = base64::decode(&token.token_bytes)
            .ok_or_else(|| invalid(format!("the token of rank {} is not base64", token.rank)))?;
        tokens[special + token.rank] = (byte_level::text_of(&bytes), TokenType::Normal);
    }
    let id = |name: &str| {
        let at = tokens[..special]
            .iter()
            .position(|(text, _)| text == name)?;
        u32::try_from(at).ok()
    };
    let (bos, eos, unknown) = (id("<s>"), id("</s>"), id("<unk>"));
    if let Some(unknown) = unknown {
        tokens[unknown as usize].1 = TokenType::Unknown;
    }
    Ok(FolderVocabulary {
        kind: "gpt2",
        pre: Some("tekken"),
        pattern: Some(file.config.pattern),
        bos,
        eos,
        unknown,
        add_bos: true,
        tokens,
        ..FolderVocabulary::default()
    })
}
