use std::sync::Arc;

use omg_models::{Pooling, PoolingSpec};

use super::texts::{finish, fits, known, read_text};
use super::{Serving, cannot};
use crate::error::{EngineError, Result};
use crate::intake::{Checks, Intake};
use crate::scheduler::{self, Worker};
use crate::task::{Cancel, Task};
use crate::tokenizer::Tokenizer;
use crate::types::{EmbedRequest, Embeddings, WorkRequest};

/// A served decoder. `intake` comes first: it must be gone before the worker.
pub(crate) struct DecoderServing {
    pub(crate) intake: Intake,
    pub(crate) worker: Arc<Worker>,
    pub(crate) checks: Arc<Checks>,
    pub(crate) tokenizer: Arc<Tokenizer>,
    pub(crate) pooling: Option<PoolingSpec>,
}

impl Serving for DecoderServing {
    fn start(&self, request: WorkRequest) -> Task {
        match request {
            WorkRequest::Generate(request) => self.intake.submit(request),
            WorkRequest::Embed(request) => {
                let (worker, checks) = (Arc::clone(&self.worker), Arc::clone(&self.checks));
                let (tokenizer, pooling) = (Arc::clone(&self.tokenizer), self.pooling);
                Task::once(move |cancel| {
                    embed(&worker, &checks, &tokenizer, pooling, &request, cancel)
                })
            }
            WorkRequest::Score(_) => Task::failed(cannot("score pairs of texts")),
        }
    }

    fn unload(&self) {
        self.intake.finish();
        self.worker.finish();
    }
}

/// Text by text between the steps of the answers in flight.
fn embed(
    worker: &Worker,
    checks: &Checks,
    tokenizer: &Tokenizer,
    stated: Option<PoolingSpec>,
    request: &EmbedRequest,
    cancel: &Cancel,
) -> Result<Embeddings> {
    // The last token of a decoder is the only one that has seen the whole text.
    let stated = stated.unwrap_or(PoolingSpec {
        pooling: Pooling::Last,
        normalize: true,
    });
    let pooling = match stated.pooling {
        Pooling::Mean => scheduler::Pooling::Mean,
        Pooling::Last => scheduler::Pooling::Last,
        Pooling::First | Pooling::Max => {
            return Err(cannot("make vectors in the way its files ask for"));
        }
    };
    let mut prepared = Vec::with_capacity(request.texts.len());
    for (index, text) in request.texts.iter().enumerate() {
        cancel.check()?;
        let limit = request.truncate.then_some(checks.context_length);
        let (tokens, read) = read_text(tokenizer, text, limit)?;
        fits(index, tokens.len(), checks.context_length)?;
        known(&tokens, checks.model_vocabulary)?;
        prepared.push((tokens, read));
    }
    let mut vectors = Vec::with_capacity(prepared.len());
    let mut read = Vec::with_capacity(prepared.len());
    for (tokens, how) in prepared {
        cancel.check()?;
        if tokens.is_empty() {
            return Err(EngineError::InvalidRequest("the text is empty".to_owned()));
        }
        vectors.push(worker.embed(tokens, pooling, cancel)?);
        read.push(how);
    }
    finish(vectors, read, stated, request)
}
