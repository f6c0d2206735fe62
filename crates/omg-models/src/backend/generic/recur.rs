use std::ops::Range;

use candle_core::{D, Tensor};
use omg_kernels::StepGates;

use crate::backend::{Norm, Storage};
use crate::error::Result;

pub(crate) fn unit_heads<B: Storage>(
    backend: &B,
    x: &mut B::Rows,
    within: Range<usize>,
    dim: usize,
    eps: f32,
    scale: f32,
) -> Result<()> {
    let all = backend.to_tensor(x)?;
    let (n, width) = all.dims2()?;
    let heads = all.narrow(1, within.start, within.len())?.contiguous()?;
    let heads = heads.reshape((n, within.len() / dim, dim))?;
    let length = (heads.sqr()?.sum_keepdim(D::Minus1)? + f64::from(eps))?.sqrt()?;
    let heads = (heads.broadcast_div(&length)? * f64::from(scale))?;
    let parts = [
        all.narrow(1, 0, within.start)?,
        heads.reshape((n, within.len()))?,
        all.narrow(1, within.end, width - within.end)?,
    ];
    backend.put_tensor(Tensor::cat(&parts, 1)?, x)
}

pub(crate) fn step_gates<B: Storage>(
    backend: &B,
    gates: &StepGates,
    x: &mut B::Rows,
    decay: &mut B::Rows,
) -> Result<()> {
    let raw = backend.to_tensor(x)?;
    let vector = |values: &[f32]| Tensor::new(values, raw.device());
    let raw = raw.broadcast_add(&vector(&gates.bias)?)?;
    // ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|), which never overflows.
    let tail = (raw.abs()?.neg()?.exp()? + 1.0)?.log()?;
    let lengths = (raw.relu()? + tail)?.clamp(gates.limits.0, gates.limits.1)?;
    backend.put_tensor(lengths.broadcast_mul(&vector(&gates.rate)?)?.exp()?, decay)?;
    backend.put_tensor(lengths, x)
}

pub(crate) fn norm_groups<B: Storage>(
    backend: &B,
    norm: &Norm<B>,
    x: &mut B::Rows,
    group: usize,
) -> Result<()> {
    let all = backend.to_tensor(x)?;
    let (n, width) = all.dims2()?;
    let groups = all.reshape((n, width / group, group))?;
    let mean = groups.sqr()?.mean_keepdim(D::Minus1)?;
    let normed = groups.broadcast_div(&(mean + f64::from(norm.spec.eps))?.sqrt()?)?;
    let weight = backend.vector_tensor(&norm.weight)?;
    backend.put_tensor(normed.reshape((n, width))?.broadcast_mul(&weight)?, x)
}

pub(crate) fn multiply<B: Storage>(
    backend: &B,
    x: &B::Rows,
    y: &B::Rows,
    out: &mut B::Rows,
) -> Result<()> {
    backend.put_tensor((backend.to_tensor(x)? * backend.to_tensor(y)?)?, out)
}
