use candle_core::Tensor;

use crate::backend::Storage;
use crate::error::Result;

/// `x += scale · y`
pub(crate) fn accumulate<B: Storage>(
    backend: &B,
    x: &mut B::Rows,
    y: &B::Rows,
    scale: f32,
) -> Result<()> {
    let mut y = backend.to_tensor(y)?;
    if scale != 1.0 {
        y = (y * f64::from(scale))?;
    }
    backend.put_tensor((backend.to_tensor(x)? + y)?, x)
}

/// `x *= factor`
pub(crate) fn scale<B: Storage>(backend: &B, x: &mut B::Rows, factor: f32) -> Result<()> {
    backend.put_tensor((backend.to_tensor(x)? * f64::from(factor))?, x)
}

/// `width` columns from `start` on.
pub(crate) fn columns<B: Storage>(
    backend: &B,
    x: &B::Rows,
    start: usize,
    width: usize,
    out: &mut B::Rows,
) -> Result<()> {
    let columns = backend.to_tensor(x)?.narrow(1, start, width)?;
    backend.put_tensor(columns.contiguous()?, out)
}

/// Multiplies each row by a factor of its own.
pub(crate) fn scale_rows<B: Storage>(backend: &B, x: &mut B::Rows, factors: &[f32]) -> Result<()> {
    let rows = backend.to_tensor(x)?;
    let factors = Tensor::from_slice(factors, (factors.len(), 1), rows.device())?;
    backend.put_tensor(rows.broadcast_mul(&factors)?, x)
}
