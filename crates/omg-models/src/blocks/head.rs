use super::Scratch;
use crate::backend::Backend;
use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::spec::{HeadSpec, LearnedPositions, ModelSpec};
use crate::weights::{Role, WeightSource};

/// The embedding table and the way from hidden states to logits, which may share it.
pub(crate) struct Head<B: Backend> {
    spec: HeadSpec,
    embedding_scale: f32,
    embedding: B::Matrix,
    positions: Option<(B::Matrix, LearnedPositions)>,
    /// `None`: tied.
    output: Option<B::Matrix>,
    bias: Option<B::Vector>,
}

impl<B: Backend> Head<B> {
    pub(crate) fn load(
        backend: &B,
        source: &mut WeightSource<'_>,
        model: &ModelSpec,
    ) -> Result<Self> {
        let (spec, vocab, hidden) = (model.head.clone(), model.vocab, model.hidden);
        let embedding =
            backend.load_matrix(&source.matrix(Role::Embedding, 0, vocab, hidden)?)?;
        let output = match spec.tied {
            true => None,
            false => Some(backend.load_matrix(&source.matrix(Role::Head, 0, vocab, hidden)?)?),
        };
        let bias = match spec.bias {
            true => Some(backend.load_vector(source.bias(Role::Head, 0, vocab)?)?),
            false => None,
        };
        let positions = match model.positions {
            Some(table) => {
                let rows = source.matrix(Role::Positions, 0, table.rows, hidden)?;
                Some((backend.load_matrix(&rows)?, table))
            }
            None => None,
        };
        Ok(Self {
            spec,
            embedding_scale: model.embedding_scale,
            embedding,
            positions,
            output,
            bias,
        })
    }

    pub(crate) fn weight_bytes(&self, backend: &B) -> usize {
        let output = self
            .output
            .as_ref()
            .map_or(0, |matrix| backend.matrix_bytes(matrix));
        let positions = self.positions.as_ref();
        let positions = positions.map_or(0, |(table, _)| backend.matrix_bytes(table));
        backend.matrix_bytes(&self.embedding) + positions + output
    }

    /// The rows of the tokens of a batch, in `scratch.x`.
    pub(crate) fn embed(
        &self,
        backend: &B,
        batch: &Batch<'_>,
        scratch: &mut Scratch<B>,
    ) -> Result<()> {
        let Scratch { x, branch, .. } = scratch;
        backend.embed(&self.embedding, batch.tokens, self.embedding_scale, x)?;
        let Some((table, learned)) = &self.positions else {
            return Ok(());
        };
        let rows = batch.positions.iter();
        let rows = rows.map(|at| at.saturating_add(learned.first as u32));
        let rows: Vec<u32> = rows.collect();
        if let Some(row) = rows.iter().find(|row| **row as usize >= learned.rows) {
            return Err(Error::InvalidBatch {
                reason: format!("position {row} of {}", learned.rows),
            });
        }
        backend.embed(table, &rows, 1.0, branch)?;
        backend.accumulate(x, branch, 1.0)
    }

    /// Logits `[n, vocab]` of normed hidden states.
    pub(crate) fn logits(&self, backend: &B, hidden: &B::Rows) -> Result<Vec<f32>> {
        let matrix = self.output.as_ref().unwrap_or(&self.embedding);
        let mut logits = backend.logits(matrix, self.bias.as_ref(), hidden)?;
        if self.spec.scale != 1.0 {
            logits
                .iter_mut()
                .for_each(|logit| *logit *= self.spec.scale);
        }
        if let Some(cap) = self.spec.softcap {
            logits
                .iter_mut()
                .for_each(|logit| *logit = cap * (*logit / cap).tanh());
        }
        Ok(logits)
    }
}
