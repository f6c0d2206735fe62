//! The generic form of every operation, in Candle tensors on any device.

mod attention;
mod weight;

use candle_core::{D, DType, Device, Tensor};
use omg_kernels::{Activation, AttentionShape, Pairing};

use super::{Backend, Linear, Norm};
use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::spec::{Frequencies, NormKind, RopeSpec};
use crate::weights::MatrixRows;

pub(crate) use attention::TensorKv;
use weight::Weight;

pub(crate) struct TensorBackend {
    device: Device,
}

/// Inverse frequencies `[1, dims / 2]` and what goes with them.
pub(crate) struct TensorRope {
    inverse: Tensor,
    magnitude: f64,
    pairing: Pairing,
    dims: usize,
}

/// Cosines and sines `[n, 1, dims / 2]`.
pub(crate) struct TensorRotations {
    cos: Tensor,
    sin: Tensor,
    pairing: Pairing,
    dims: usize,
}

impl TensorBackend {
    pub(crate) fn new(device: Device) -> Self {
        Self { device }
    }
}

impl Backend for TensorBackend {
    type Rows = Tensor;
    type Matrix = Weight;
    type Vector = Tensor;
    type Rope = TensorRope;
    type Rotations = TensorRotations;
    type Kv = TensorKv;

    fn load_matrix(&self, rows: &MatrixRows<'_>) -> Result<Weight> {
        Weight::load(rows, &self.device)
    }

    fn load_vector(&self, values: Vec<f32>) -> Result<Tensor> {
        let len = values.len();
        Ok(Tensor::from_vec(values, len, &self.device)?)
    }

    fn load_rope(&self, spec: &RopeSpec, frequencies: Frequencies) -> Result<TensorRope> {
        let pairs = frequencies.inverse.len();
        Ok(TensorRope {
            inverse: Tensor::from_vec(frequencies.inverse, (1, pairs), &self.device)?,
            magnitude: f64::from(frequencies.magnitude),
            pairing: spec.pairing,
            dims: spec.dims,
        })
    }

    fn matrix_bytes(&self, matrix: &Weight) -> usize {
        matrix.bytes()
    }

    fn new_rows(&self) -> Result<Tensor> {
        Ok(Tensor::zeros((1, 1), DType::F32, &self.device)?)
    }

    fn new_kv(&self, shape: &AttentionShape, blocks: usize) -> Result<TensorKv> {
        TensorKv::new(shape, blocks, &self.device)
    }

    fn copy_block(&self, kv: &mut TensorKv, from: usize, to: usize) -> Result<()> {
        kv.copy_block(from, to)
    }

    fn embed(&self, table: &Weight, tokens: &[u32], scale: f32, out: &mut Tensor) -> Result<()> {
        let ids = Tensor::new(tokens, &self.device)?;
        *out = (table.embedding(&ids)? * f64::from(scale))?;
        Ok(())
    }

    fn norm(&self, norm: &Norm<Self>, x: &Tensor, out: &mut Tensor) -> Result<()> {
        *out = normed(norm, x)?;
        Ok(())
    }

    fn norm_heads(&self, norm: &Norm<Self>, x: &mut Tensor) -> Result<()> {
        let ((rows, all), width) = (x.dims2()?, norm.weight.dim(0)?);
        *x = normed(norm, &x.reshape((rows * all / width, width))?)?.reshape((rows, all))?;
        Ok(())
    }

    fn copy(&self, x: &Tensor, out: &mut Tensor) -> Result<()> {
        *out = x.clone();
        Ok(())
    }

    fn add(
        &self,
        x: &mut Tensor,
        branch: &Tensor,
        scale: f32,
        norm: Option<&Norm<Self>>,
        out: &mut Tensor,
    ) -> Result<()> {
        *x = if scale == 1.0 {
            x.add(branch)?
        } else {
            x.add(&(branch * f64::from(scale))?)?
        };
        match norm {
            Some(norm) => self.norm(norm, x, out),
            None => self.copy(x, out),
        }
    }

    fn project<const N: usize>(
        &self,
        linears: [&Linear<Self>; N],
        x: &Tensor,
        outs: [&mut Tensor; N],
    ) -> Result<()> {
        for (linear, out) in linears.into_iter().zip(outs) {
            *out = linear.matrix.matmul(x)?;
            if let Some(bias) = &linear.bias {
                *out = out.broadcast_add(bias)?;
            }
        }
        Ok(())
    }

    fn logits(&self, matrix: &Weight, bias: Option<&Tensor>, x: &Tensor) -> Result<Vec<f32>> {
        let mut logits = matrix.matmul(x)?;
        if let Some(bias) = bias {
            logits = logits.broadcast_add(bias)?;
        }
        self.to_host(&logits)
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
        })
    }

    fn rotate(&self, by: &TensorRotations, x: &mut Tensor, head_dim: usize) -> Result<()> {
        let (rows, width) = x.dims2()?;
        let heads = x.reshape((rows, width / head_dim, head_dim))?;
        let TensorRotations { cos, sin, .. } = by;
        let half = by.dims / 2;
        let turning = heads.narrow(2, 0, by.dims)?;
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
        let rest = head_dim - by.dims;
        let whole = match rest {
            0 => turned,
            _ => Tensor::cat(&[&turned, &heads.narrow(2, by.dims, rest)?], D::Minus1)?,
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
        key: &Tensor,
        value: &Tensor,
        out: &mut Tensor,
    ) -> Result<()> {
        *out = kv.attend(shape, step, query, key, value)?;
        Ok(())
    }

    fn gated(
        &self,
        activation: Activation,
        gate: &Tensor,
        up: &Tensor,
        out: &mut Tensor,
    ) -> Result<()> {
        let up = match activation {
            Activation::ClampedSwiglu { limit, .. } => {
                let limit = f64::from(limit);
                (up.clamp(-limit, limit)? + 1.0)?
            }
            _ => up.clone(),
        };
        *out = activated(activation, gate)?.mul(&up)?;
        Ok(())
    }

    fn activate(&self, activation: Activation, x: &mut Tensor) -> Result<()> {
        *x = activated(activation, x)?;
        Ok(())
    }

    fn select(&self, x: &mut Tensor, rows: &[usize]) -> Result<()> {
        let rows: Vec<u32> = rows.iter().map(|row| *row as u32).collect();
        *x = x.index_select(&Tensor::new(rows, &self.device)?, 0)?;
        Ok(())
    }

    fn to_host(&self, x: &Tensor) -> Result<Vec<f32>> {
        Ok(x.flatten_all()?.to_vec1()?)
    }
}

fn activated(activation: Activation, x: &Tensor) -> Result<Tensor> {
    Ok(match activation {
        Activation::Silu => x.silu()?,
        Activation::GeluTanh => x.gelu()?,
        Activation::GeluErf => x.gelu_erf()?,
        Activation::Relu => x.relu()?,
        Activation::ReluSquared => x.relu()?.sqr()?,
        Activation::Sigmoid => sigmoid(x)?,
        Activation::ClampedSwiglu { alpha, limit } => {
            let gate = x.minimum(f64::from(limit))?;
            gate.mul(&sigmoid(&(&gate * f64::from(alpha))?)?)?
        }
        // The list of the kernels may grow.
        other => {
            return Err(Error::Unsupported {
                what: format!("the activation {other:?} on this device"),
            });
        }
    })
}

fn sigmoid(x: &Tensor) -> Result<Tensor> {
    Ok((x.neg()?.exp()? + 1.0)?.recip()?)
}

fn normed(norm: &Norm<TensorBackend>, x: &Tensor) -> Result<Tensor> {
    let x = match norm.spec.kind {
        NormKind::Rms => x.clone(),
        NormKind::Layer => x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?,
    };
    let variance = x.sqr()?.mean_keepdim(D::Minus1)?;
    let deviation = (variance + f64::from(norm.spec.eps))?.sqrt()?;
    let y = x.broadcast_div(&deviation)?.broadcast_mul(&norm.weight)?;
    match &norm.bias {
        Some(bias) => Ok(y.broadcast_add(bias)?),
        None => Ok(y),
    }
}

#[cfg(test)]
mod tests {
    use omg_kernels::Pool;

    use super::*;

    #[test]
    fn every_activation_agrees_with_the_kernel() {
        let backend = TensorBackend::new(Device::Cpu);
        let pool = Pool::new(1);
        let gate: Vec<f32> = (-60..=60).map(|at| at as f32 / 5.0).collect();
        let up: Vec<f32> = gate.iter().map(|x| (3.0 * x).sin() * 12.0).collect();
        let tensor = |values: &[f32]| Tensor::new(values, &Device::Cpu).expect("a tensor");
        let near = |got: &Tensor, want: &[f32], activation: Activation| {
            for (got, want) in got.to_vec1::<f32>().expect("floats").iter().zip(want) {
                let close = (got - want).abs() <= 1e-3 + 1e-3 * want.abs();
                assert!(close, "{got} for {want} with {activation:?}");
            }
        };
        for activation in [
            Activation::Silu,
            Activation::GeluTanh,
            Activation::GeluErf,
            Activation::Relu,
            Activation::ReluSquared,
            Activation::Sigmoid,
            Activation::ClampedSwiglu {
                alpha: 1.702,
                limit: 7.0,
            },
        ] {
            let mut want = vec![0.0; gate.len()];
            omg_kernels::gated(&pool, activation, &gate, &up, &mut want);
            let mut got = tensor(&[0.0]);
            backend
                .gated(activation, &tensor(&gate), &tensor(&up), &mut got)
                .expect("a known activation");
            near(&got, &want, activation);

            let mut want = gate.clone();
            omg_kernels::activate(&pool, activation, &mut want);
            let mut got = tensor(&gate);
            backend
                .activate(activation, &mut got)
                .expect("a known activation");
            near(&got, &want, activation);
        }
    }
}
