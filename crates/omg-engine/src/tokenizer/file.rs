use std::path::Path;

use serde_json::Value as Json;

use crate::error::{EngineError, Result};

/// Several times the largest vocabulary there is.
const MAX_FILE_BYTES: u64 = 128 << 20;

/// A file of the tokenizer, that was there when the folder was opened.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    omg_format::read_file(path, MAX_FILE_BYTES)?
        .ok_or_else(|| omg_format::Error::NotFound(path.to_owned()).into())
}

/// The text of a token in a configuration file: `"<s>"` or `{"content": "<s>"}`.
pub(crate) fn token_text(value: &Json) -> Option<&str> {
    value.as_str().or_else(|| value.get("content")?.as_str())
}

pub(super) fn invalid(message: impl Into<String>) -> EngineError {
    EngineError::Coded {
        code: "invalid_model_file",
        message: message.into(),
        hint: None,
    }
}
