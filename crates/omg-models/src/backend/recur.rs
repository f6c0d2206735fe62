use std::ops::Range;

use omg_kernels::{RecurrenceShape, StepGates};

use super::{Dense, Norm, generic};
use crate::batch::Batch;
use crate::error::Result;
use crate::spec::StateShape;

/// The inputs of a recurrence; queries, keys and values of all heads begin at these elements of the rows of `mixed`.
pub(crate) struct RecurInputs<'a, B: Recur> {
    pub(crate) mixed: &'a B::Rows,
    pub(crate) query: usize,
    pub(crate) key: usize,
    pub(crate) value: usize,
    /// `[n, heads]`
    pub(crate) decay: &'a B::Rows,
    /// `[n, heads]`
    pub(crate) strength: &'a B::Rows,
    /// `[heads]`
    pub(crate) skip: Option<&'a B::Vector>,
}

/// Mixers that keep a state per sequence (`omg_kernels::recur` says what each operation is).
pub(crate) trait Recur: Dense {
    /// What one mixer keeps of the sequences, by slot.
    type States;
    type Convolution;

    /// `weights` is `[channels, taps]`.
    fn load_convolution(
        &self,
        weights: &[f32],
        bias: Option<Vec<f32>>,
        channels: usize,
    ) -> Result<Self::Convolution>;
    fn new_states(&self, shape: &StateShape, slots: usize) -> Result<Self::States>;
    fn copy_state(&self, states: &mut Self::States, from: usize, to: usize) -> Result<()>;
    /// Clears the states of the sequences that begin in this step.
    fn begin(&self, states: &mut Self::States, step: &Batch<'_>) -> Result<()>;
    fn convolve(
        &self,
        convolution: &Self::Convolution,
        states: &mut Self::States,
        step: &Batch<'_>,
        x: &Self::Rows,
        out: &mut Self::Rows,
    ) -> Result<()>;
    fn recur(
        &self,
        shape: &RecurrenceShape,
        inputs: &RecurInputs<'_, Self>,
        states: &mut Self::States,
        step: &Batch<'_>,
        out: &mut Self::Rows,
    ) -> Result<()>;

    /// Scales heads of `dim` elements, those in the columns `within`, to the length `scale`.
    fn unit_heads(
        &self,
        x: &mut Self::Rows,
        within: Range<usize>,
        dim: usize,
        eps: f32,
        scale: f32,
    ) -> Result<()> {
        generic::unit_heads(self, x, within, dim, eps, scale)
    }
    /// Raw gates become the lengths of steps, and the decays in them.
    fn step_gates(
        &self,
        gates: &StepGates,
        x: &mut Self::Rows,
        decay: &mut Self::Rows,
    ) -> Result<()> {
        generic::step_gates(self, gates, x, decay)
    }
    /// `x · y`
    fn multiply(&self, x: &Self::Rows, y: &Self::Rows, out: &mut Self::Rows) -> Result<()> {
        generic::multiply(self, x, y, out)
    }
    /// RMS norm of each run of `group` elements, with a weight for the whole row.
    fn norm_groups(&self, norm: &Norm<Self>, x: &mut Self::Rows, group: usize) -> Result<()> {
        generic::norm_groups(self, norm, x, group)
    }
}
