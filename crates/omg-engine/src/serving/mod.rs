//! Models at work: what each kind of model can be asked to do, and how it does it.

mod decoder;
mod encoder;
mod open;
mod texts;

pub(crate) use open::{Loading, open};

use crate::error::EngineError;
use crate::task::Task;
use crate::types::WorkRequest;

/// A model in memory with what serves it.
pub(crate) trait Serving: Send + Sync {
    /// Never fails: what is wrong with the request is the first thing its task reports. `unsupported` for work that the model
    /// is not made for, `shutting_down` after `unload`.
    fn start(&self, request: WorkRequest) -> Task;
    /// Takes no more requests, waits for the last one and frees the weights. Idempotent.
    fn unload(&self);
}

/// Only the tokenizer was loaded.
pub(crate) struct TokenizerOnly;

impl Serving for TokenizerOnly {
    fn start(&self, _: WorkRequest) -> Task {
        Task::failed(EngineError::Unsupported(
            "only the tokenizer of this model is loaded".to_owned(),
        ))
    }

    fn unload(&self) {}
}

fn cannot(what: &str) -> EngineError {
    EngineError::Unsupported(format!("this model cannot {what}"))
}
