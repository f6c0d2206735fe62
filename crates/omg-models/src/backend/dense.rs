use omg_kernels::Activation;

use super::{Storage, generic};
use crate::error::Result;
use crate::spec::NormSpec;
use crate::weights::{MatrixRows, Role, RowOrder, WeightSource};

/// A normalisation ready to run.
pub(crate) struct Norm<B: Storage> {
    pub(crate) spec: NormSpec,
    pub(crate) weight: B::Vector,
    pub(crate) bias: Option<B::Vector>,
}

/// `y = W·x + bias`
pub(crate) struct Linear<B: Storage> {
    pub(crate) matrix: B::Matrix,
    pub(crate) bias: Option<B::Vector>,
}

/// Operations on each row on its own.
pub(crate) trait Dense: Storage {
    /// Rows of the embedding table, times `scale`.
    fn embed(
        &self,
        table: &Self::Matrix,
        tokens: &[u32],
        scale: f32,
        out: &mut Self::Rows,
    ) -> Result<()>;
    fn norm(&self, norm: &Norm<Self>, x: &Self::Rows, out: &mut Self::Rows) -> Result<()>;
    /// Norms each run of as many elements as the norm has on its own, in place.
    fn norm_heads(&self, norm: &Norm<Self>, x: &mut Self::Rows) -> Result<()>;
    fn copy(&self, x: &Self::Rows, out: &mut Self::Rows) -> Result<()>;
    /// `x += scale · branch`, then into `out` the norm of `x`, or `x` itself where there is none.
    fn add(
        &self,
        x: &mut Self::Rows,
        branch: &Self::Rows,
        scale: f32,
        norm: Option<&Norm<Self>>,
        out: &mut Self::Rows,
    ) -> Result<()>;
    /// Several projections of the same rows.
    fn project<const N: usize>(
        &self,
        linears: [&Linear<Self>; N],
        x: &Self::Rows,
        outs: [&mut Self::Rows; N],
    ) -> Result<()>;
    /// The product with the embedding table or the output matrix, brought to the host: `[n, vocab]`.
    fn logits(
        &self,
        linear: &Self::Matrix,
        bias: Option<&Self::Vector>,
        x: &Self::Rows,
    ) -> Result<Vec<f32>>;
    /// `activation(gate) · up`
    fn gated(
        &self,
        activation: Activation,
        gate: &Self::Rows,
        up: &Self::Rows,
        out: &mut Self::Rows,
    ) -> Result<()>;
    fn activate(&self, activation: Activation, x: &mut Self::Rows) -> Result<()>;
    /// Keeps the named rows, in their order.
    fn select(&self, x: &mut Self::Rows, rows: &[usize]) -> Result<()>;
    /// `x += scale · y`
    fn accumulate(&self, x: &mut Self::Rows, y: &Self::Rows, scale: f32) -> Result<()> {
        generic::accumulate(self, x, y, scale)
    }
    /// `x *= factor`
    fn scale(&self, x: &mut Self::Rows, factor: f32) -> Result<()> {
        generic::scale(self, x, factor)
    }
    /// `width` columns from `start` on.
    fn columns(
        &self,
        x: &Self::Rows,
        start: usize,
        width: usize,
        out: &mut Self::Rows,
    ) -> Result<()> {
        generic::columns(self, x, start, width, out)
    }
    /// Multiplies each row by a factor of its own.
    fn scale_rows(&self, x: &mut Self::Rows, factors: &[f32]) -> Result<()> {
        generic::scale_rows(self, x, factors)
    }
}

impl<B: Storage> Linear<B> {
    /// Rows of the matrix of a role, with what belongs to them of its bias where there is one.
    pub(crate) fn read(
        backend: &B,
        source: &mut WeightSource<'_>,
        role: Role,
        layer: usize,
        order: RowOrder,
        cols: usize,
        has_bias: bool,
    ) -> Result<Self> {
        let matrix = source.rows(role, layer, order, cols)?;
        let bias = match has_bias {
            true => Some(source.bias_rows(role, layer, order)?),
            false => None,
        };
        Self::load(backend, &matrix, bias)
    }

    pub(crate) fn load(
        backend: &B,
        matrix: &MatrixRows<'_>,
        bias: Option<Vec<f32>>,
    ) -> Result<Self> {
        Ok(Self {
            matrix: backend.load_matrix(matrix)?,
            bias: bias.map(|values| backend.load_vector(values)).transpose()?,
        })
    }
}
