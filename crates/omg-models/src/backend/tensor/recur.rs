use candle_core::{D, DType, Device, Tensor};
use omg_kernels::{RecurrenceShape, Seq};

use super::TensorBackend;
use crate::backend::{Recur, RecurInputs};
use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::spec::StateShape;

/// By slot; slots that nobody has used yet are empty.
pub(crate) struct TensorStates {
    shape: StateShape,
    slots: Vec<State>,
}

#[derive(Clone, Default)]
struct State {
    /// `[taps - 1, channels]`
    inputs: Option<Tensor>,
    /// `[heads, key_dim, value_dim]`
    matrices: Option<Tensor>,
}

pub(crate) struct TensorConvolution {
    /// `[taps, channels]`
    weights: Tensor,
    bias: Option<Tensor>,
}

impl Recur for TensorBackend {
    type States = TensorStates;
    type Convolution = TensorConvolution;

    fn load_convolution(
        &self,
        weights: &[f32],
        bias: Option<Vec<f32>>,
        channels: usize,
    ) -> Result<TensorConvolution> {
        let weights = Tensor::new(weights, &self.device)?;
        let taps = weights.elem_count() / channels;
        Ok(TensorConvolution {
            weights: weights.reshape((channels, taps))?.t()?.contiguous()?,
            bias: bias
                .map(|bias| Tensor::new(bias, &self.device))
                .transpose()?,
        })
    }

    fn new_states(&self, shape: &StateShape, slots: usize) -> Result<TensorStates> {
        Ok(TensorStates {
            shape: *shape,
            slots: vec![State::default(); slots],
        })
    }

    fn copy_state(&self, states: &mut TensorStates, from: usize, to: usize) -> Result<()> {
        // Tensors are never written in place, so the two may share them.
        states.slots[to] = states.slots[from].clone();
        Ok(())
    }

    fn begin(&self, states: &mut TensorStates, step: &Batch<'_>) -> Result<()> {
        for seq in step.seqs.iter().filter(|seq| seq.first_position == 0) {
            states.slots[slot_of(seq)?] = State::default();
        }
        Ok(())
    }

    fn convolve(
        &self,
        convolution: &TensorConvolution,
        states: &mut TensorStates,
        step: &Batch<'_>,
        x: &Tensor,
        out: &mut Tensor,
    ) -> Result<()> {
        let StateShape { channels, taps, .. } = states.shape;
        let mut parts = Vec::with_capacity(step.seqs.len());
        for seq in step.seqs {
            let state = &mut states.slots[slot_of(seq)?].inputs;
            let new = x.narrow(0, seq.rows.start, seq.rows.len())?;
            let before = match state.take() {
                Some(before) => before,
                None => self.zeros(&[taps - 1, channels])?,
            };
            let seen = Tensor::cat(&[&before, &new], 0)?;
            let mut sum = match &convolution.bias {
                Some(bias) => bias.broadcast_as(new.shape())?.contiguous()?,
                None => new.zeros_like()?,
            };
            for tap in 0..taps {
                let weight = convolution.weights.narrow(0, tap, 1)?;
                sum = (sum
                    + seen
                        .narrow(0, tap, seq.rows.len())?
                        .broadcast_mul(&weight)?)?;
            }
            *state = Some(seen.narrow(0, seq.rows.len(), taps - 1)?.contiguous()?);
            parts.push(sum);
        }
        *out = Tensor::cat(&parts, 0)?;
        Ok(())
    }

    fn recur(
        &self,
        shape: &RecurrenceShape,
        inputs: &RecurInputs<'_, Self>,
        states: &mut TensorStates,
        step: &Batch<'_>,
        out: &mut Tensor,
    ) -> Result<()> {
        let heads = Heads::new(shape, inputs, &self.device)?;
        let mut results = Vec::new();
        for seq in step.seqs {
            let state = &mut states.slots[slot_of(seq)?].matrices;
            let mut matrices = match state.take() {
                Some(matrices) => matrices,
                None => self.zeros(&[shape.heads, shape.key_dim, shape.value_dim])?,
            };
            for row in seq.rows.clone() {
                results.push(heads.advance(shape, row, &mut matrices)?);
            }
            *state = Some(matrices);
        }
        *out = Tensor::cat(&results, 0)?;
        Ok(())
    }
}

impl TensorBackend {
    fn zeros(&self, shape: &[usize]) -> Result<Tensor> {
        Ok(Tensor::zeros(shape, DType::F32, &self.device)?)
    }
}

/// What the heads of all rows read, `[n, heads, …]`.
struct Heads {
    /// `[n, heads, key_dim, 1]`
    query: Tensor,
    key: Tensor,
    /// `[n, heads, value_dim]`
    value: Tensor,
    /// `[n, heads, 1 or key_dim, 1]`
    decay: Tensor,
    /// `[n, heads, 1]`
    strength: Tensor,
    /// `[heads, 1]`
    skip: Option<Tensor>,
}

impl Heads {
    fn new(
        shape: &RecurrenceShape,
        inputs: &RecurInputs<'_, TensorBackend>,
        device: &Device,
    ) -> Result<Self> {
        let RecurrenceShape {
            heads,
            key_heads,
            key_dim,
            value_dim,
            ..
        } = *shape;
        let n = inputs.mixed.dim(0)?;
        let of_head: Vec<u32> = (0..heads).map(|h| shape.key_head(h) as u32).collect();
        let of_head = Tensor::new(of_head, device)?;
        let keys = |from: usize| -> Result<Tensor> {
            let keys = inputs.mixed.narrow(1, from, key_heads * key_dim)?;
            let keys = keys.contiguous()?.reshape((n, key_heads, key_dim))?;
            Ok(keys.index_select(&of_head, 1)?.unsqueeze(D::Minus1)?)
        };
        let value = inputs.mixed.narrow(1, inputs.value, heads * value_dim)?;
        let decays = if shape.decay_per_key { key_dim } else { 1 };
        Ok(Self {
            query: keys(inputs.query)?,
            key: keys(inputs.key)?,
            value: value.contiguous()?.reshape((n, heads, value_dim))?,
            decay: inputs.decay.reshape((n, heads, decays, 1))?,
            strength: inputs.strength.reshape((n, heads, 1))?,
            skip: match inputs.skip {
                Some(skip) => Some(skip.reshape((heads, 1))?),
                None => None,
            },
        })
    }

    /// The result of one row, `[1, heads · value_dim]`.
    fn advance(
        &self,
        shape: &RecurrenceShape,
        row: usize,
        matrices: &mut Tensor,
    ) -> Result<Tensor> {
        let value = self.value.get(row)?;
        let (query, key) = (self.query.get(row)?, self.key.get(row)?);
        let kept = matrices.broadcast_mul(&self.decay.get(row)?)?;
        let mut written = value.clone();
        if shape.delta {
            written = (written - kept.broadcast_mul(&key)?.sum(1)?)?;
        }
        let written = written.broadcast_mul(&self.strength.get(row)?)?;
        *matrices = (kept + key.broadcast_mul(&written.unsqueeze(1)?)?)?;
        let mut result = matrices.broadcast_mul(&query)?.sum(1)?;
        if let Some(skip) = &self.skip {
            result = (result + value.broadcast_mul(skip)?)?;
        }
        Ok(result.reshape((1, shape.output_width()))?)
    }
}

fn slot_of(seq: &Seq<'_>) -> Result<usize> {
    seq.state
        .map(|slot| slot as usize)
        .ok_or_else(|| Error::InvalidBatch {
            reason: "a sequence without a state".to_owned(),
        })
}
