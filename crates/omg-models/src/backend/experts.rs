use omg_kernels::{Activation, Routes};

use super::Dense;
use crate::error::Result;
use crate::weights::ExpertRows;

/// The experts of one layer, ready to run. Biases are `[experts · outputs]` of their projection.
pub(crate) struct ExpertLayer<B: Experts> {
    /// `None`: experts have no gate.
    pub(crate) gate: Option<B::ExpertMatrix>,
    pub(crate) up: B::ExpertMatrix,
    pub(crate) down: B::ExpertMatrix,
    pub(crate) gate_bias: Option<B::Vector>,
    pub(crate) up_bias: Option<B::Vector>,
    pub(crate) down_bias: Option<B::Vector>,
    pub(crate) activation: Activation,
    /// The weight of a route multiplies what goes into the expert and not what comes out.
    pub(crate) weight_on_input: bool,
}

/// Feed-forward networks of which each row goes through a few.
pub(crate) trait Experts: Dense {
    /// One projection of all experts.
    type ExpertMatrix;

    fn load_experts(&self, rows: &ExpertRows<'_>) -> Result<Self::ExpertMatrix>;
    fn expert_bytes(&self, matrix: &Self::ExpertMatrix) -> usize;
    /// For each row the sum over its routes of weight · expert(row).
    fn experts(
        &self,
        layer: &ExpertLayer<Self>,
        routes: &Routes,
        x: &Self::Rows,
        out: &mut Self::Rows,
    ) -> Result<()>;
}
