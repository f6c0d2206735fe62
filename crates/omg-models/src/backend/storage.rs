use candle_core::Tensor;

use crate::error::Result;
use crate::weights::MatrixRows;

/// What a backend holds: activations in rows `[n, width]`, weights, and the way between these and Candle's tensors.
pub(crate) trait Storage: Sized {
    /// Activations, f32. An `out` argument of an operation is overwritten and takes the shape it needs, so that callers can
    /// keep their buffers between steps.
    type Rows;
    type Matrix;
    type Vector;

    fn load_matrix(&self, rows: &MatrixRows<'_>) -> Result<Self::Matrix>;
    fn load_vector(&self, values: Vec<f32>) -> Result<Self::Vector>;
    fn matrix_bytes(&self, matrix: &Self::Matrix) -> usize;

    fn new_rows(&self) -> Result<Self::Rows>;
    fn to_host(&self, x: &Self::Rows) -> Result<Vec<f32>>;

    /// f32 `[n, width]`, for operations that have no kernel.
    fn to_tensor(&self, x: &Self::Rows) -> Result<Tensor>;
    /// Takes the result of such an operation, f32 `[n, width]`.
    fn put_tensor(&self, tensor: Tensor, out: &mut Self::Rows) -> Result<()>;
    /// f32 `[len]`
    #[allow(
        dead_code,
        reason = "for operations that have weights of their own beside their rows"
    )]
    fn vector_tensor(&self, vector: &Self::Vector) -> Result<Tensor>;
}
