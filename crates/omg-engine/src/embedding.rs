//! Texts to vectors, and pairs of texts to scores.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use omg_models::{ENCODER_STEP_TOKENS, Encoder, EncoderOutput, EncoderText, Pooling, PoolingSpec};

use crate::error::{EngineError, Result};
use crate::intake::Checks;
use crate::model::segments;
use crate::scheduler::{self, Worker};
use crate::tokenizer::Tokenizer;
use crate::types::{EmbedRequest, Embeddings, PromptSegment, ReadText, ScoreRequest, Scores};

/// Asks work to end between two steps, with the error `cancelled`. Clones ask the same work.
#[derive(Debug, Default, Clone)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn check(&self) -> Result<()> {
        match self.0.load(Ordering::Acquire) {
            true => Err(EngineError::RequestCancelled),
            false => Ok(()),
        }
    }
}

/// An encoder in memory; gone after `unload`. Calls share it step by step, so a short text does not wait for a long list.
pub(crate) struct EncoderServing {
    encoder: RwLock<Option<Encoder>>,
    limit: usize,
    vocabulary: usize,
    output: EncoderOutput,
}

impl EncoderServing {
    pub(crate) fn new(encoder: Encoder) -> Self {
        let spec = encoder.spec();
        Self {
            limit: spec.context_length,
            vocabulary: spec.vocab,
            output: spec.output,
            encoder: RwLock::new(Some(encoder)),
        }
    }

    /// Waits for the calls under way and frees the weights.
    pub(crate) fn unload(&self) {
        drop(
            self.encoder
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
    }

    pub(crate) fn embed(
        &self,
        tokenizer: &Tokenizer,
        request: &EmbedRequest,
        cancel: &Cancel,
    ) -> Result<Embeddings> {
        let EncoderOutput::Vector(stated) = self.output else {
            return Err(cannot("make vectors: it scores pairs of texts"));
        };
        let mut texts = Texts::default();
        for (index, text) in request.texts.iter().enumerate() {
            cancel.check()?;
            let limit = request.truncate.then_some(self.limit);
            let (tokens, read) = read_text(tokenizer, text, limit)?;
            fits(index, tokens.len(), self.limit)?;
            known(&tokens, self.vocabulary)?;
            texts.push(tokens, None, read);
        }
        let vectors = self.run(&texts, cancel)?;
        finish(vectors, texts.read, stated, request)
    }

    pub(crate) fn score(
        &self,
        tokenizer: &Tokenizer,
        request: &ScoreRequest,
        cancel: &Cancel,
    ) -> Result<Scores> {
        let EncoderOutput::Labels { labels: 1, .. } = self.output else {
            return Err(cannot("score pairs of texts"));
        };
        let mut texts = Texts::default();
        for (index, document) in request.documents.iter().enumerate() {
            cancel.check()?;
            let limit = request.truncate.then_some(self.limit);
            let pair = tokenizer.encode_pair(&request.query, document, limit)?;
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

/// The vectors of a decoder, text by text between the steps of its answers.
pub(crate) fn embed_by_decoder(
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

fn read_text(
    tokenizer: &Tokenizer,
    text: &[PromptSegment],
    limit: Option<usize>,
) -> Result<(Vec<u32>, ReadText)> {
    let whole = tokenizer.encode_for_embedding(&segments(text))?;
    let count = whole.len();
    let tokens = match limit {
        Some(limit) => tokenizer.cut_text(whole, limit),
        None => whole,
    };
    let read = ReadText {
        prompt_tokens: tokens.len(),
        truncated: tokens.len() < count,
    };
    Ok((tokens, read))
}

fn fits(index: usize, tokens: usize, limit: usize) -> Result<()> {
    match tokens > limit {
        true => Err(EngineError::TextTooLong {
            index,
            prompt_tokens: tokens,
            context_length: limit,
        }),
        false => Ok(()),
    }
}

fn known(tokens: &[u32], vocabulary: usize) -> Result<()> {
    match tokens.iter().find(|&&token| token as usize >= vocabulary) {
        Some(token) => Err(EngineError::InvalidRequest(format!(
            "token {token} is outside the vocabulary of {vocabulary} tokens"
        ))),
        None => Ok(()),
    }
}

fn finish(
    vectors: Vec<Vec<f32>>,
    read: Vec<ReadText>,
    stated: PoolingSpec,
    request: &EmbedRequest,
) -> Result<Embeddings> {
    let width = vectors.first().map_or(0, Vec::len);
    let dimensions = request.dimensions.unwrap_or(width);
    if !vectors.is_empty() && (dimensions == 0 || dimensions > width) {
        return Err(EngineError::InvalidRequest(format!(
            "the model makes vectors of {width} dimensions, {dimensions} were asked for"
        )));
    }
    let mut all = Vec::with_capacity(vectors.len() * dimensions);
    for vector in vectors {
        let start = all.len();
        all.extend_from_slice(&vector[..dimensions]);
        if request.normalize.unwrap_or(stated.normalize) {
            normalize(&mut all[start..]);
        }
    }
    finite(&all)?;
    Ok(Embeddings {
        dimensions: if read.is_empty() { 0 } else { dimensions },
        vectors: all,
        texts: read,
    })
}

fn normalize(vector: &mut [f32]) {
    let square: f64 = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
    if square > 0.0 {
        let factor = 1.0 / square.sqrt();
        for x in vector {
            *x = (f64::from(*x) * factor) as f32;
        }
    }
}

fn finite(values: &[f32]) -> Result<()> {
    match values.iter().all(|value| value.is_finite()) {
        true => Ok(()),
        false => Err(EngineError::NotFinite),
    }
}

pub(crate) fn cannot(what: &str) -> EngineError {
    EngineError::Unsupported(format!("this model cannot {what}"))
}
