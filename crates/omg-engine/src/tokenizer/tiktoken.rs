//! tiktoken's files: a token in base64 and its rank in each line. What cuts the text and which tokens are special stands in the
//! code of the models that use them, so both come from elsewhere.

use omg_format::TokenType;

use super::file::invalid;
use super::folder_vocabulary::FolderVocabulary;
use super::{base64, byte_level};
use crate::error::{EngineError, Result};

/// A line is a rank at most.
const MOST_TOKENS: usize = 1 << 21;

/// Whether a `tokenizer.model` is one of these.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    std::str::from_utf8(line).is_ok_and(|line| token_of(line).is_some())
}

/// `model_type`: the one of config.json, which tells how text is cut.
pub(super) fn read(bytes: &[u8], model_type: &str) -> Result<FolderVocabulary> {
    let pre = pre_of(model_type).ok_or_else(|| {
        EngineError::Coded {
            code: "unsupported",
            message: format!(
                "the vocabulary does not say how text is cut, and this is not known for models of type {model_type:?}"
            ),
            hint: Some("use a version of the model with a tokenizer.json, or a GGUF file of it".to_owned()),
        }
    })?;
    let text = std::str::from_utf8(bytes).map_err(|error| invalid(error.to_string()))?;
    let mut tokens: Vec<(String, TokenType)> = Vec::new();
    for (number, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.is_empty())
    {
        let (token, rank) = token_of(line)
            .filter(|(_, rank)| *rank < MOST_TOKENS)
            .ok_or_else(|| invalid(format!("line {} is no token and rank", number + 1)))?;
        if rank >= tokens.len() {
            // A rank far above the number of lines is a lie.
            if rank > 2 * number + 1024 {
                return Err(invalid(format!("line {} has the rank {rank}", number + 1)));
            }
            tokens.resize(rank + 1, (String::new(), TokenType::Unused));
        }
        tokens[rank] = (byte_level::text_of(&token), TokenType::Normal);
    }
    Ok(FolderVocabulary {
        kind: "gpt2",
        pre: Some(pre),
        tokens,
        ..FolderVocabulary::default()
    })
}

fn token_of(line: &str) -> Option<(Vec<u8>, usize)> {
    let (token, rank) = line.trim_end().split_once(' ')?;
    Some((base64::decode(token)?, rank.parse().ok()?))
}

fn pre_of(model_type: &str) -> Option<&'static str> {
    Some(match model_type {
        "kimi_k2" | "kimi_k25" | "kimi_linear" | "kimi_vl" | "deepseek_v3" => "kimi-k2",
        "llama" | "phi3small" => "llama-bpe",
        "chatglm" | "glm" | "glm4" => "glm4",
        "qwen" | "hunyuan" | "hunyuan_v1_dense" | "hunyuan_v1_moe" => "qwen2",
        _ => return None,
    })
}
