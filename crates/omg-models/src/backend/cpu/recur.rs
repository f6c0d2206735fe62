use std::ops::Range;

use omg_kernels::{ConvWeights, Recurrence, RecurrenceShape, States, StepGates};

use super::{CpuBackend, CpuRows};
use crate::backend::{Norm, Recur, RecurInputs};
use crate::batch::Batch;
use crate::error::Result;
use crate::spec::StateShape;

/// States with the inputs of the convolution first.
pub(crate) struct CpuStates {
    states: States,
    recurrence_at: usize,
}

impl Recur for CpuBackend {
    type States = CpuStates;
    type Convolution = ConvWeights;

    fn load_convolution(
        &self,
        weights: &[f32],
        bias: Option<Vec<f32>>,
        channels: usize,
    ) -> Result<ConvWeights> {
        Ok(ConvWeights::new(
            weights,
            bias.unwrap_or_default(),
            channels,
        ))
    }

    fn new_states(&self, shape: &StateShape, slots: usize) -> Result<CpuStates> {
        Ok(CpuStates {
            states: States::new(slots, shape.width())?,
            recurrence_at: shape.conv_width(),
        })
    }

    fn copy_state(&self, states: &mut CpuStates, from: usize, to: usize) -> Result<()> {
        states.states.copy(from, to);
        Ok(())
    }

    fn begin(&self, states: &mut CpuStates, step: &Batch<'_>) -> Result<()> {
        states.states.begin(step.seqs);
        Ok(())
    }

    fn convolve(
        &self,
        convolution: &ConvWeights,
        states: &mut CpuStates,
        step: &Batch<'_>,
        x: &CpuRows,
        out: &mut CpuRows,
    ) -> Result<()> {
        let out = out.shape(x.rows(), x.width);
        let states = &mut states.states;
        omg_kernels::convolve(&self.pool, convolution, states, 0, &x.data, step.seqs, out);
        Ok(())
    }

    fn recur(
        &self,
        shape: &RecurrenceShape,
        inputs: &RecurInputs<'_, Self>,
        states: &mut CpuStates,
        step: &Batch<'_>,
        out: &mut CpuRows,
    ) -> Result<()> {
        let out = out.shape(inputs.mixed.rows(), shape.output_width());
        let recurrence = Recurrence {
            mixed: &inputs.mixed.data,
            width: inputs.mixed.width,
            query: inputs.query,
            key: inputs.key,
            value: inputs.value,
            decay: &inputs.decay.data,
            strength: &inputs.strength.data,
            skip: inputs.skip.map(Vec::as_slice),
        };
        let CpuStates {
            states,
            recurrence_at,
        } = states;
        omg_kernels::recur(
            &self.pool,
            shape,
            &recurrence,
            states,
            *recurrence_at,
            step.seqs,
            out,
        );
        Ok(())
    }

    fn unit_heads(
        &self,
        x: &mut CpuRows,
        within: Range<usize>,
        dim: usize,
        eps: f32,
        scale: f32,
    ) -> Result<()> {
        omg_kernels::unit_heads(&self.pool, &mut x.data, x.width, within, dim, eps, scale);
        Ok(())
    }

    fn step_gates(&self, gates: &StepGates, x: &mut CpuRows, decay: &mut CpuRows) -> Result<()> {
        let decay = decay.shape(x.rows(), x.width);
        gates.apply(&mut x.data, decay);
        Ok(())
    }

    fn multiply(&self, x: &CpuRows, y: &CpuRows, out: &mut CpuRows) -> Result<()> {
        let out = out.shape(x.rows(), x.width);
        for ((out, x), y) in out.iter_mut().zip(&x.data).zip(&y.data) {
            *out = x * y;
        }
        Ok(())
    }

    fn norm_groups(&self, norm: &Norm<Self>, x: &mut CpuRows, group: usize) -> Result<()> {
        let (weight, eps) = (&norm.weight, norm.spec.eps);
        omg_kernels::rms_norm_groups(&self.pool, &mut x.data, weight, group, eps);
        Ok(())
    }
}
