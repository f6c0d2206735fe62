use omg_kernels::Activation;

use super::{Scratch, load_norm};
use crate::backend::{Backend, Linear, Norm};
use crate::batch::Batch;
use crate::error::Result;
use crate::spec::{PerLayerSpec, PerLayerTable};
use crate::weights::{Role, RowOrder, WeightSource};

/// Makes the vectors that layers are given of each token.
pub(crate) struct PerLayerInputs<B: Backend> {
    table: B::Matrix,
    projection: Linear<B>,
    norm: Norm<B>,
    /// Of the rows of the table, and of what the embedding is projected to.
    scales: (f32, f32),
}

/// What a layer does with its vectors.
pub(crate) struct PerLayerHalf<B: Backend> {
    /// The first column of the layer's vectors, and their width.
    columns: (usize, usize),
    activation: Activation,
    gate: Linear<B>,
    projection: Linear<B>,
    norm: Norm<B>,
}

impl<B: Backend> PerLayerInputs<B> {
    pub(crate) fn load(
        backend: &B,
        source: &mut WeightSource<'_>,
        spec: &PerLayerTable,
        hidden: usize,
        layers: usize,
    ) -> Result<Self> {
        let width = layers * spec.width;
        let table = source.matrix(Role::PerLayerEmbedding, 0, spec.rows, width)?;
        let projection = Linear::read(
            backend,
            source,
            Role::PerLayerModelProjection,
            0,
            RowOrder::all(width),
            hidden,
            false,
        )?;
        let norm = load_norm(
            backend,
            source,
            Role::PerLayerModelNorm,
            0,
            spec.norm,
            spec.width,
        )?;
        Ok(Self {
            table: backend.load_matrix(&table)?,
            projection,
            norm,
            scales: ((spec.width as f32).sqrt(), (hidden as f32).sqrt().recip()),
        })
    }

    pub(crate) fn weight_bytes(&self, backend: &B) -> usize {
        backend.matrix_bytes(&self.table) + backend.matrix_bytes(&self.projection.matrix)
    }

    /// From the embeddings in `scratch.x` to `scratch.per_layer`: `[n, layers · width]`.
    pub(crate) fn make(
        &self,
        backend: &B,
        batch: &Batch<'_>,
        scratch: &mut Scratch<B>,
    ) -> Result<()> {
        let Scratch {
            x,
            branch,
            per_layer,
            ..
        } = scratch;
        backend.project([&self.projection], x, [per_layer])?;
        backend.scale(per_layer, self.scales.1)?;
        backend.norm_heads(&self.norm, per_layer)?;
        backend.embed(&self.table, batch.tokens, self.scales.0, branch)?;
        backend.accumulate(per_layer, branch, 1.0)?;
        backend.scale(per_layer, 0.5f32.sqrt())
    }
}

impl<B: Backend> PerLayerHalf<B> {
    pub(crate) fn load(
        backend: &B,
        source: &mut WeightSource<'_>,
        spec: &PerLayerSpec,
        hidden: usize,
        layer: usize,
    ) -> Result<Self> {
        let width = spec.width;
        let mut linear = |role, rows, cols| {
            Linear::read(
                backend,
                source,
                role,
                layer,
                RowOrder::all(rows),
                cols,
                false,
            )
        };
        let gate = linear(Role::PerLayerGate, width, hidden)?;
        let projection = linear(Role::PerLayerProjection, hidden, width)?;
        let norm = load_norm(
            backend,
            source,
            Role::PerLayerNorm,
            layer,
            spec.norm,
            hidden,
        )?;
        Ok(Self {
            columns: (layer * width, width),
            activation: spec.activation,
            gate,
            projection,
            norm,
        })
    }

    pub(crate) fn weight_bytes(&self, backend: &B) -> usize {
        backend.matrix_bytes(&self.gate.matrix) + backend.matrix_bytes(&self.projection.matrix)
    }

    /// Adds to the residual stream in `scratch.x`, which has all rows or those in `rows`.
    pub(crate) fn forward(
        &self,
        backend: &B,
        scratch: &mut Scratch<B>,
        rows: Option<&[usize]>,
    ) -> Result<()> {
        let Scratch {
            x,
            branch,
            normed,
            mixed,
            gate,
            up,
            per_layer,
            ..
        } = scratch;
        backend.columns(per_layer, self.columns.0, self.columns.1, up)?;
        if let Some(rows) = rows {
            backend.select(up, rows)?;
        }
        backend.project([&self.gate], x, [&mut *gate])?;
        backend.gated(self.activation, gate, up, mixed)?;
        backend.project([&self.projection], mixed, [&mut *branch])?;
        backend.norm(&self.norm, branch, normed)?;
        backend.accumulate(x, normed, 1.0)
    }
}
