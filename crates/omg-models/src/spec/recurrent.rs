use omg_kernels::{ConvWeights, RecurrenceShape};

use super::NormSpec;

/// Gated DeltaNet (arXiv 2412.06464): queries, keys and values go through a causal convolution and SiLU, then through the
/// gated delta rule; the result is normed per head and multiplied by the SiLU of a gate.
#[derive(Debug, Clone, PartialEq)]
pub struct DeltaNetSpec {
    pub shape: RecurrenceShape,
    /// Tokens that the convolution sees.
    pub taps: usize,
    pub norm: NormSpec,
    pub projections: DeltaProjections,
}

/// How the projections of a delta net lie in its matrices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeltaProjections {
    /// `[q | k | v]`, the gate, and the two step gates each in a matrix of its own.
    Separate,
    /// As above, but with both step gates in one matrix: for each key head those of its values.
    StepGatesTogether,
}

/// The state space model of Mamba-2 (arXiv 2405.21060): keys are its B, queries its C.
#[derive(Debug, Clone, PartialEq)]
pub struct Mamba2Spec {
    pub shape: RecurrenceShape,
    pub taps: usize,
    pub conv_bias: bool,
    /// Of each group of elements on its own.
    pub norm: Option<NormSpec>,
    /// The norm is applied before the gate and not after it.
    pub norm_before_gate: bool,
    /// The projections have a bias.
    pub bias: bool,
    /// The length of a step is kept between these.
    pub step_limits: (f32, f32),
}

/// A gated convolution: `c · conv(b · x)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShortConvSpec {
    pub width: usize,
    pub taps: usize,
    pub bias: bool,
}

/// What a mixer keeps of each sequence: the inputs that a convolution still sees, and the matrices of a recurrence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct StateShape {
    pub(crate) channels: usize,
    pub(crate) taps: usize,
    pub(crate) recurrence: Option<RecurrenceShape>,
}

impl DeltaNetSpec {
    /// Queries, keys and values together.
    pub fn channels(&self) -> usize {
        2 * self.shape.key_heads * self.shape.key_dim + self.shape.output_width()
    }

    pub(crate) fn state(&self) -> StateShape {
        StateShape {
            channels: self.channels(),
            taps: self.taps,
            recurrence: Some(self.shape),
        }
    }
}

impl Mamba2Spec {
    /// Values, keys and queries together.
    pub fn channels(&self) -> usize {
        2 * self.shape.key_heads * self.shape.key_dim + self.shape.output_width()
    }

    pub(crate) fn state(&self) -> StateShape {
        StateShape {
            channels: self.channels(),
            taps: self.taps,
            recurrence: Some(self.shape),
        }
    }
}

impl ShortConvSpec {
    pub(crate) fn state(&self) -> StateShape {
        StateShape {
            channels: self.width,
            taps: self.taps,
            recurrence: None,
        }
    }
}

impl StateShape {
    /// f32 before those of the recurrence.
    pub(crate) fn conv_width(&self) -> usize {
        ConvWeights::state_width(self.channels, self.taps)
    }

    /// f32 in all.
    pub(crate) fn width(&self) -> usize {
        self.conv_width() + self.recurrence.map_or(0, |shape| shape.state_width())
    }
}
