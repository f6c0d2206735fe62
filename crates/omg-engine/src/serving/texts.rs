//! Texts as the models read them, vectors as callers get them.

use omg_models::PoolingSpec;

use crate::error::{EngineError, Result};
use crate::tokenizer::{Tokenizer, segments};
use crate::types::{EmbedRequest, Embeddings, PromptSegment, ReadText};

pub(super) fn read_text(
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

pub(super) fn fits(index: usize, tokens: usize, limit: usize) -> Result<()> {
    match tokens > limit {
        true => Err(EngineError::TextTooLong {
            index,
            prompt_tokens: tokens,
            context_length: limit,
        }),
        false => Ok(()),
    }
}

pub(super) fn known(tokens: &[u32], vocabulary: usize) -> Result<()> {
    match tokens.iter().find(|&&token| token as usize >= vocabulary) {
        Some(token) => Err(EngineError::InvalidRequest(format!(
            "token {token} is outside the vocabulary of {vocabulary} tokens"
        ))),
        None => Ok(()),
    }
}

pub(super) fn finish(
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

pub(super) fn finite(values: &[f32]) -> Result<()> {
    match values.iter().all(|value| value.is_finite()) {
        true => Ok(()),
        false => Err(EngineError::NotFinite),
    }
}
