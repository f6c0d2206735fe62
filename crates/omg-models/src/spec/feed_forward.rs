use omg_kernels::Activation;

use super::ExpertsSpec;

/// What changes each token on its own.
#[derive(Debug, Clone, PartialEq)]
pub enum FeedForward {
    Gated(GatedSpec),
    Plain(PlainSpec),
    Experts(ExpertsSpec),
}

/// `down(activation(gate(x)) · up(x))`
#[derive(Debug, Clone, PartialEq)]
pub struct GatedSpec {
    pub width: usize,
    pub activation: Activation,
    pub gate_bias: bool,
    pub up_bias: bool,
    pub down_bias: bool,
}

/// `down(activation(up(x)))`
#[derive(Debug, Clone, PartialEq)]
pub struct PlainSpec {
    pub width: usize,
    pub activation: Activation,
    pub up_bias: bool,
    pub down_bias: bool,
}

impl FeedForward {
    /// Elements per token that it computes with.
    pub fn scratch_width(&self, hidden: usize) -> usize {
        match self {
            Self::Gated(spec) => 2 * spec.width,
            Self::Plain(spec) => 2 * spec.width,
            Self::Experts(spec) => spec.scratch_width(hidden),
        }
    }

    pub(crate) fn widen(&mut self, factor: usize) {
        match self {
            Self::Gated(spec) => spec.width *= factor,
            Self::Plain(spec) => spec.width *= factor,
            Self::Experts(spec) => spec.width *= factor,
        }
    }

    pub(crate) fn set_activation(&mut self, activation: Activation) {
        match self {
            Self::Gated(spec) => spec.activation = activation,
            Self::Plain(spec) => spec.activation = activation,
            Self::Experts(spec) => spec.activation = activation,
        }
    }
}
