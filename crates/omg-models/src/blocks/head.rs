use crate::backend::Backend;
use crate::error::Result;
use crate::spec::{HeadSpec, ModelSpec};
use crate::weights::{Role, WeightSource};

/// The embedding table and the way from hidden states to logits, which may share it.
pub(crate) struct Head<B: Backend> {
    spec: HeadSpec,
    embedding_scale: f32,
    embedding: B::Matrix,
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
        Ok(Self {
            spec,
            embedding_scale: model.embedding_scale,
            embedding,
            output,
            bias,
        })
    }

    pub(crate) fn weight_bytes(&self, backend: &B) -> usize {
        let output = self
            .output
            .as_ref()
            .map_or(0, |matrix| backend.matrix_bytes(matrix));
        backend.matrix_bytes(&self.embedding) + output
    }

    pub(crate) fn embed(&self, backend: &B, tokens: &[u32], out: &mut B::Rows) -> Result<()> {
        backend.embed(&self.embedding, tokens, self.embedding_scale, out)
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
