use candle_core::{D, Tensor};
use omg_kernels::{AttentionShape, Pairing};

use super::TensorBackend;
use super::attention::TensorKv;
use crate::backend::Attend;
use crate::batch::Batch;
use crate::error::Result;
use crate::spec::{Frequencies, RopeSpec};

/// Inverse frequencies `[1, dims / 2]` and what goes with them.
pub(crate) struct TensorRope {
    inverse: Tensor,
    magnitude: f64,
    pairing: Pairing,
    dims: usize,
    offset: usize,
}

/// Cosines and sines `[n, 1, dims / 2]`.
pub(crate) struct TensorRotations {
    cos: Tensor,
    sin: Tensor,
    pairing: Pairing,
    dims: usize,
    offset: usize,
}

impl Attend for TensorBackend {
    type Rope = TensorRope;
    type Rotations = TensorRotations;
    type Kv = TensorKv;

    fn load_rope(&self, spec: &RopeSpec, frequencies: Frequencies) -> Result<TensorRope> {
        let pairs = frequencies.inverse.len();
        Ok(TensorRope {
            inverse: Tensor::from_vec(frequencies.inverse, (1, pairs), &self.device)?,
            magnitude: f64::from(frequencies.magnitude),
            pairing: spec.pairing,
            dims: spec.dims,
            offset: spec.offset,
        })
    }

    fn new_kv(&self, shape: &AttentionShape, blocks: usize) -> Result<TensorKv> {
        TensorKv::new(shape, blocks, &self.device)
    }

    fn copy_block(&self, kv: &mut TensorKv, from: usize, to: usize) -> Result<()> {
        kv.copy_block(from, to)
    }

    fn rotations(&self, rope: &TensorRope, positions: &[u32]) -> Result<TensorRotations> {
        let rows = positions.len();
        let positions: Vec<f32> = positions.iter().map(|position| *position as f32).collect();
        let angles =
            Tensor::from_vec(positions, (rows, 1), &self.device)?.broadcast_mul(&rope.inverse)?;
        Ok(TensorRotations {
            cos: (angles.cos()? * rope.magnitude)?.unsqueeze(1)?,
            sin: (angles.sin()? * rope.magnitude)?.unsqueeze(1)?,
            pairing: rope.pairing,
            dims: rope.dims,
            offset: rope.offset,
        })
    }

    fn rotate(&self, by: &TensorRotations, x: &mut Tensor, head_dim: usize) -> Result<()> {
        let (rows, width) = x.dims2()?;
        let heads = x.reshape((rows, width / head_dim, head_dim))?;
        let TensorRotations { cos, sin, .. } = by;
        let half = by.dims / 2;
        let turning = heads.narrow(2, by.offset, by.dims)?;
        let (first, second) = match by.pairing {
            Pairing::HalfSplit => (turning.narrow(2, 0, half)?, turning.narrow(2, half, half)?),
            Pairing::Interleaved => {
                let pairs = turning
                    .contiguous()?
                    .reshape((rows, width / head_dim, half, 2))?;
                (
                    pairs.narrow(3, 0, 1)?.squeeze(3)?,
                    pairs.narrow(3, 1, 1)?.squeeze(3)?,
                )
            }
        };
        let turned_first = (first.broadcast_mul(cos)? - second.broadcast_mul(sin)?)?;
        let turned_second = (second.broadcast_mul(cos)? + first.broadcast_mul(sin)?)?;
        let turned = match by.pairing {
            Pairing::HalfSplit => Tensor::cat(&[&turned_first, &turned_second], D::Minus1)?,
            Pairing::Interleaved => {
                Tensor::stack(&[&turned_first, &turned_second], D::Minus1)?.flatten_from(2)?
            }
        };
        let end = by.offset + by.dims;
        let whole = match head_dim - by.dims {
            0 => turned,
            _ => {
                let (before, after) = (
                    heads.narrow(2, 0, by.offset)?,
                    heads.narrow(2, end, head_dim - end)?,
                );
                Tensor::cat(&[&before, &turned, &after], D::Minus1)?
            }
        };
        *x = whole.reshape((rows, width))?;
        Ok(())
    }

    fn attention(
        &self,
        shape: &AttentionShape,
        kv: &mut TensorKv,
        step: &Batch<'_>,
        query: &Tensor,
        new: Option<(&Tensor, &Tensor)>,
        out: &mut Tensor,
    ) -> Result<()> {
        *out = kv.attend(shape, step, query, new)?;
        Ok(())
    }
}
