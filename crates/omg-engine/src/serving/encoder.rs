use std::sync::{Arc, PoisonError, RwLock};

use omg_models::{ENCODER_STEP_TOKENS, Encoder, EncoderOutput, EncoderText};

use super::texts::{finish, finite, fits, known, read_text};
use super::{Serving, cannot};
use crate::error::{EngineError, Result};
use crate::task::{Cancel, Task};
use crate::tokenizer::Tokenizer;
use crate::types::{EmbedRequest, Embeddings, ReadText, ScoreRequest, Scores, WorkRequest};

/// A served encoder.
pub(crate) struct EncoderServing(Arc<Shared>);

/// The encoder is gone after `unload`. Calls share it step by step, so a short text does not wait for a long list.
struct Shared {
    encoder: RwLock<Option<Encoder>>,
    tokenizer: Arc<Tokenizer>,
    limit: usize,
    vocabulary: usize,
    output: EncoderOutput,
}

impl EncoderServing {
    pub(crate) fn new(encoder: Encoder, tokenizer: Arc<Tokenizer>) -> Self {
        let spec = encoder.spec();
        Self(Arc::new(Shared {
            tokenizer,
            limit: spec.context_length,
            vocabulary: spec.vocab,
            output: spec.output,
            encoder: RwLock::new(Some(encoder)),
        }))
    }
}

impl Serving for EncoderServing {
    fn start(&self, request: WorkRequest) -> Task {
        let shared = Arc::clone(&self.0);
        match request {
            WorkRequest::Embed(request) => Task::once(move |cancel| shared.embed(&request, cancel)),
            WorkRequest::Score(request) => Task::once(move |cancel| shared.score(&request, cancel)),
            WorkRequest::Generate(_) => Task::failed(cannot("write text: it is an encoder")),
        }
    }

    fn unload(&self) {
        let encoder = &self.0.encoder;
        drop(
            encoder
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
    }
}

impl Shared {
    fn embed(&self, request: &EmbedRequest, cancel: &Cancel) -> Result<Embeddings> {
        let EncoderOutput::Vector(stated) = self.output else {
            return Err(cannot("make vectors: it scores pairs of texts"));
        };
        let mut texts = Texts::default();
        for (index, text) in request.texts.iter().enumerate() {
            cancel.check()?;
            let limit = request.truncate.then_some(self.limit);
            let (tokens, read) = read_text(&self.tokenizer, text, limit)?;
            fits(index, tokens.len(), self.limit)?;
            known(&tokens, self.vocabulary)?;
            texts.push(tokens, None, read);
        }
        let vectors = self.run(&texts, cancel)?;
        finish(vectors, texts.read, stated, request)
    }

    fn score(&self, request: &ScoreRequest, cancel: &Cancel) -> Result<Scores> {
        let EncoderOutput::Labels { labels: 1, .. } = self.output else {
            return Err(cannot("score pairs of texts"));
        };
        let mut texts = Texts::default();
        for (index, document) in request.documents.iter().enumerate() {
            cancel.check()?;
            let limit = request.truncate.then_some(self.limit);
            let pair = self
                .tokenizer
                .encode_pair(&request.query, document, limit)?;
            fits(index, pair.tokens.len(), self.limit)?;
            known(&pair.tokens, self.vocabulary)?;
            let read = ReadText {
                prompt_tokens: pair.tokens.len(),
                truncated: pair.tokens.len() < pair.whole,
            };
            texts.push(pair.tokens, Some(pair.second), read);
        }
        let scores = self.run(&texts, cancel)?.concat();
        finite(&scores)?;
        Ok(Scores {
            scores,
            texts: texts.read,
        })
    }

    /// In steps of some thousand tokens, between which others may run and the caller may go.
    fn run(&self, texts: &Texts, cancel: &Cancel) -> Result<Vec<Vec<f32>>> {
        let mut results = Vec::with_capacity(texts.tokens.len());
        let mut first = 0;
        while first < texts.tokens.len() {
            cancel.check()?;
            let mut count = 0;
            let mut total = 0;
            for (tokens, _) in &texts.tokens[first..] {
                total += tokens.len();
                if count > 0 && total > ENCODER_STEP_TOKENS {
                    break;
                }
                count += 1;
            }
            let step: Vec<EncoderText<'_>> = texts.tokens[first..first + count]
                .iter()
                .map(|(tokens, second)| EncoderText {
                    tokens,
                    second: second.unwrap_or(tokens.len()),
                })
                .collect();
            let encoder = self.encoder.read().unwrap_or_else(PoisonError::into_inner);
            let encoder = encoder.as_ref().ok_or(EngineError::ShuttingDown)?;
            results.extend(encoder.encode(&step)?);
            first += count;
        }
        Ok(results)
    }
}

/// Tokenised texts, with where the second of a pair begins.
#[derive(Default)]
struct Texts {
    tokens: Vec<(Vec<u32>, Option<usize>)>,
    read: Vec<ReadText>,
}

impl Texts {
    fn push(&mut self, tokens: Vec<u32>, second: Option<usize>, read: ReadText) {
        self.tokens.push((tokens, second));
        self.read.push(read);
    }
}
