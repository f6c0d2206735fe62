use std::ops::Range;

use super::Scratch;
use crate::backend::{Backend, Linear};
use crate::error::Result;
use crate::spec::{EncoderOutput, EncoderSpec, Pooling};
use crate::weights::{Role, WeightSource};

/// What becomes of an encoder's states.
pub(crate) enum PoolingHead<B: Backend> {
    /// With the elements of a state.
    Pooled(Pooling, usize),
    Labels {
        dense: Option<Linear<B>>,
        /// `[labels, hidden]`
        output: Vec<f32>,
        bias: Vec<f32>,
    },
}

impl<B: Backend> PoolingHead<B> {
    pub(crate) fn load(
        backend: &B,
        source: &mut WeightSource<'_>,
        spec: &EncoderSpec,
    ) -> Result<Self> {
        let hidden = spec.hidden;
        let (dense, labels) = match spec.output {
            EncoderOutput::Vector(pooling) => return Ok(Self::Pooled(pooling.pooling, hidden)),
            EncoderOutput::Labels { dense, labels } => (dense, labels),
        };
        let dense = match dense {
            None => None,
            Some(role) => {
                let bias = source.bias(role, 0, hidden)?;
                let matrix = source.matrix(role, 0, hidden, hidden)?;
                Some(Linear::load(backend, &matrix, Some(bias))?)
            }
        };
        Ok(Self::Labels {
            dense,
            output: source.floats(Role::ClassifierOutput, 0, labels, hidden)?,
            bias: source.bias(Role::ClassifierOutput, 0, labels)?,
        })
    }

    /// From the states of all tokens in `scratch.normed`, the rows of each text: a vector or the labels of each, one after another.
    pub(crate) fn finish(
        &self,
        backend: &B,
        texts: &[Range<usize>],
        scratch: &mut Scratch<B>,
    ) -> Result<Vec<f32>> {
        let firsts = || -> Vec<usize> { texts.iter().map(|rows| rows.start).collect() };
        match self {
            Self::Pooled(Pooling::First, _) => picked(backend, &firsts(), scratch),
            Self::Pooled(Pooling::Last, _) => {
                let lasts: Vec<usize> = texts.iter().map(|rows| rows.end - 1).collect();
                picked(backend, &lasts, scratch)
            }
            Self::Pooled(pooling, hidden) => {
                let states = backend.to_host(&scratch.normed)?;
                let vectors = texts.iter().map(|rows| {
                    let part = &states[rows.start * hidden..rows.end * hidden];
                    match pooling {
                        Pooling::Max => maximum(part, *hidden),
                        _ => mean(part, *hidden),
                    }
                });
                Ok(vectors.flatten().collect())
            }
            Self::Labels {
                dense,
                output,
                bias,
            } => {
                backend.select(&mut scratch.normed, &firsts())?;
                let states = pooled(backend, dense.as_ref(), scratch)?;
                Ok(labels(&states, output, bias))
            }
        }
    }
}

fn picked<B: Backend>(backend: &B, rows: &[usize], scratch: &mut Scratch<B>) -> Result<Vec<f32>> {
    backend.select(&mut scratch.normed, rows)?;
    backend.to_host(&scratch.normed)
}

/// What a classifier's output reads.
fn pooled<B: Backend>(
    backend: &B,
    dense: Option<&Linear<B>>,
    scratch: &mut Scratch<B>,
) -> Result<Vec<f32>> {
    let Some(dense) = dense else {
        return backend.to_host(&scratch.normed);
    };
    backend.project([dense], &scratch.normed, [&mut scratch.branch])?;
    let mut states = backend.to_host(&scratch.branch)?;
    states.iter_mut().for_each(|value| *value = value.tanh());
    Ok(states)
}

/// `states [texts, hidden]`, `output [labels, hidden]`.
fn labels(states: &[f32], output: &[f32], bias: &[f32]) -> Vec<f32> {
    let hidden = output.len() / bias.len();
    let label = |state: &[f32], label: usize| {
        let weights = &output[label * hidden..][..hidden];
        let dot: f32 = weights.iter().zip(state).map(|(w, x)| w * x).sum();
        dot + bias[label]
    };
    states
        .chunks_exact(hidden)
        .flat_map(|state| (0..bias.len()).map(move |index| label(state, index)))
        .collect()
}

fn mean(states: &[f32], hidden: usize) -> Vec<f32> {
    let mut sums = vec![0.0f64; hidden];
    for row in states.chunks_exact(hidden) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += f64::from(*value);
        }
    }
    let rows = (states.len() / hidden) as f64;
    sums.into_iter().map(|sum| (sum / rows) as f32).collect()
}

fn maximum(states: &[f32], hidden: usize) -> Vec<f32> {
    let mut best = vec![f32::NEG_INFINITY; hidden];
    for row in states.chunks_exact(hidden) {
        for (best, value) in best.iter_mut().zip(row) {
            *best = best.max(*value);
        }
    }
    best
}
