//! What blocks compute with. The decoder and its blocks are written once over `Backend`; the kernels of `omg-kernels`
//! and the tensor operations of Candle are its two forms.

mod cpu;
mod tensor;

use omg_kernels::{Activation, AttentionShape};

use crate::batch::Batch;
use crate::error::Result;
use crate::spec::{Frequencies, NormSpec, RopeSpec};
use crate::weights::MatrixRows;

pub(crate) use cpu::CpuBackend;
pub(crate) use tensor::{TensorBackend, TensorKv};

/// A normalisation ready to run.
pub(crate) struct Norm<B: Backend> {
    pub(crate) spec: NormSpec,
    pub(crate) weight: B::Vector,
    pub(crate) bias: Option<B::Vector>,
}

/// `y = W·x + bias`
pub(crate) struct Linear<B: Backend> {
    pub(crate) matrix: B::Matrix,
    pub(crate) bias: Option<B::Vector>,
}

/// Operations on rows of activations: `[n, width]`, f32. An `out` argument is overwritten and takes the shape it needs,
/// so that callers can keep their buffers between steps.
pub(crate) trait Backend: Sized {
    type Rows;
    type Matrix;
    type Vector;
    type Rope;
    /// The turns of one rope for the positions of one step.
    type Rotations;
    /// Keys and values of one layer.
    type Kv;

    fn load_matrix(&self, rows: &MatrixRows<'_>) -> Result<Self::Matrix>;
    fn load_vector(&self, values: Vec<f32>) -> Result<Self::Vector>;
    fn load_rope(&self, spec: &RopeSpec, frequencies: Frequencies) -> Result<Self::Rope>;
    fn matrix_bytes(&self, matrix: &Self::Matrix) -> usize;

    fn new_rows(&self) -> Result<Self::Rows>;
    fn new_kv(&self, shape: &AttentionShape, blocks: usize) -> Result<Self::Kv>;
    fn copy_block(&self, kv: &mut Self::Kv, from: usize, to: usize) -> Result<()>;

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
    fn rotations(&self, rope: &Self::Rope, positions: &[u32]) -> Result<Self::Rotations>;
    /// Turns the heads of each row by its position, in place.
    fn rotate(&self, by: &Self::Rotations, x: &mut Self::Rows, head_dim: usize) -> Result<()>;
    /// Stores the new keys and values, then attends to all of each sequence.
    #[expect(
        clippy::too_many_arguments,
        reason = "the three projections and their destination are one operation"
    )]
    fn attention(
        &self,
        shape: &AttentionShape,
        kv: &mut Self::Kv,
        step: &Batch<'_>,
        query: &Self::Rows,
        key: &Self::Rows,
        value: &Self::Rows,
        out: &mut Self::Rows,
    ) -> Result<()>;
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
    fn to_host(&self, x: &Self::Rows) -> Result<Vec<f32>>;
}

impl<B: Backend> Linear<B> {
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
