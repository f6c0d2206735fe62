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
}

/// The state space model of Mamba-2 (arXiv 2405.21060): keys are its B, queries its C.
#[derive(Debug, Clone, PartialEq)]
pub struct Mamba2Spec {
    pub shape: RecurrenceShape,
    pub taps: usize,
    pub conv_bias: bool,
    /// Of each group of elements on its own.
    pub norm: Option<NormSpec>,
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
    pub(crate) fn state(&self) -> StateShape {
        StateShape {
            channels: self.shape.input_width(),
            taps: self.taps,
            recurrence: Some(self.shape),
        }
    }
}

impl Mamba2Spec {
    pub(crate) fn state(&self) -> StateShape {
        StateShape {
            channels: self.shape.input_width(),
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
