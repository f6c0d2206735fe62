use omg_format::{Format, ModelFiles};

use super::Tokenizer;
use super::file::invalid;
use crate::error::Result;

impl Tokenizer {
    /// The tokenizer of an open model. `invalid_model_file` when it has none or a broken one, `unsupported` for kinds and
    /// pre-tokenizers that are not implemented.
    pub fn open(files: &ModelFiles) -> Result<Self> {
        match files.format() {
            Format::Gguf => Self::from_gguf(files.metadata()),
            Format::Safetensors => {
                let folder = files
                    .folder()
                    .ok_or_else(|| invalid("the model has no tokenizer"))?;
                Self::from_folder(folder)
            }
        }
    }
    /// Refuses files that have no tokenizer at all, without reading one. `invalid_model_file`.
    pub fn require(files: &ModelFiles) -> Result<()> {
        match files.format() {
            Format::Gguf if !files.metadata().contains("tokenizer.ggml.tokens") => {
                Err(invalid("the model has no tokenizer"))
            }
            Format::Safetensors => files.folder().map_or(Ok(()), Self::require_in_folder),
            Format::Gguf => Ok(()),
        }
    }
}
