use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Value, json};

/// Every failure of the engine. `code()` is one of `ts/errors/codes.ts`.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    #[error("the prompt has {prompt_tokens} tokens, the context window holds {context_length}")]
    ContextLengthExceeded {
        prompt_tokens: usize,
        context_length: usize,
    },
    #[error(
        "the prompt has more than {read_tokens} tokens, the context window holds {context_length}"
    )]
    PromptFarTooLong {
        /// Those that were read before it was given up.
        read_tokens: usize,
        context_length: usize,
    },
    #[error("text {index} has {prompt_tokens} tokens, the model reads at most {context_length}")]
    TextTooLong {
        /// From 0.
        index: usize,
        prompt_tokens: usize,
        context_length: usize,
    },
    #[error("{0}")]
    InvalidRequest(String),
    #[error("{0}")]
    Unsupported(String),
    #[error("{message}")]
    OutOfMemory {
        message: String,
        hint: String,
        detail: Value,
    },
    #[error("the model produced numbers that are not finite")]
    NotFinite,
    #[error("the model is being unloaded")]
    ShuttingDown,
    #[error("the load was cancelled")]
    Cancelled,
    #[error("the request was cancelled")]
    RequestCancelled,
    /// An error of a lower crate, with the code it chose.
    #[error("{message}")]
    Coded {
        code: &'static str,
        message: String,
        hint: Option<String>,
    },
    #[error("{0}")]
    Internal(String),
}

pub type Result<T> = std::result::Result<T, EngineError>;

impl EngineError {
    /// The code under which the error crosses process borders.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ContextLengthExceeded { .. }
            | Self::PromptFarTooLong { .. }
            | Self::TextTooLong { .. } => "context_length_exceeded",
            Self::InvalidRequest(_) => "invalid_request",
            Self::Unsupported(_) => "unsupported",
            Self::OutOfMemory { .. } => "out_of_memory",
            Self::ShuttingDown => "shutting_down",
            Self::Cancelled | Self::RequestCancelled => "cancelled",
            Self::Coded { code, .. } => code,
            Self::NotFinite | Self::Internal(_) => "internal",
        }
    }

    /// What the reader can do about it, where there is something.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::ContextLengthExceeded { .. } | Self::PromptFarTooLong { .. } => {
                Some("shorten the prompt or load the model with a larger context")
            }
            Self::TextTooLong { .. } => Some("shorten the text, or ask for it to be truncated"),
            Self::OutOfMemory { hint, .. } => Some(hint),
            Self::NotFinite => Some(
                "the model file may be damaged; verify its checksum or use another quantisation",
            ),
            Self::ShuttingDown => Some("load the model again"),
            Self::Coded { hint, .. } => hint.as_deref(),
            _ => None,
        }
    }

    /// Numbers a program can act on.
    pub fn detail(&self) -> Option<Value> {
        match self {
            Self::ContextLengthExceeded {
                prompt_tokens,
                context_length,
            }
            | Self::PromptFarTooLong {
                read_tokens: prompt_tokens,
                context_length,
            } => Some(json!({ "promptTokens": prompt_tokens, "contextLength": context_length })),
            Self::TextTooLong {
                index,
                prompt_tokens,
                context_length,
            } => Some(json!({
                "promptTokens": prompt_tokens, "contextLength": context_length, "index": index,
            })),
            Self::OutOfMemory { detail, .. } => Some(detail.clone()),
            _ => None,
        }
    }
}

impl From<omg_format::Error> for EngineError {
    fn from(error: omg_format::Error) -> Self {
        Self::Coded {
            code: error.code(),
            hint: error.hint().map(str::to_owned),
            message: error.to_string(),
        }
    }
}

impl From<omg_models::Error> for EngineError {
    fn from(error: omg_models::Error) -> Self {
        match error {
            omg_models::Error::Format(error) => error.into(),
            omg_models::Error::Cancelled => Self::Cancelled,
            other => Self::Coded {
                code: other.code(),
                hint: other.hint().map(str::to_owned),
                message: other.to_string(),
            },
        }
    }
}

/// The `ErrorData` of `ts/errors/omg-error.ts`.
impl Serialize for EngineError {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("code", self.code())?;
        map.serialize_entry("message", &self.to_string())?;
        if let Some(hint) = self.hint() {
            map.serialize_entry("hint", hint)?;
        }
        if let Some(detail) = self.detail() {
            map.serialize_entry("detail", &detail)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_of_lower_crates_reach_the_user() {
        let lower = || omg_models::Error::UnsupportedQuantization {
            tensor: "blk.0.ffn_up.weight".to_owned(),
            dtype: "IQ2_XXS",
        };
        let error = EngineError::from(lower());
        assert!(error.hint().is_some());
        assert_eq!(error.hint(), lower().hint());
        let sent = serde_json::to_value(&error).expect("an object");
        assert_eq!(sent["code"], "unsupported_quantization");
        assert_eq!(sent["hint"], json!(lower().hint()));
    }
}
