use candle_core::{D, Tensor};
use omg_kernels::Activation;

use super::TensorBackend;
use super::weight::Weight;
use crate::backend::{Dense, Linear, Norm, Storage};
use crate::error::{Error, Result};
use crate::spec::NormKind;

impl Dense for TensorBackend {
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
    use candle_core::Device;
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
