use omg_kernels::Activation;

use crate::spec::{ExpertLayout, GroupScore, Score};

/// How a family routes tokens to experts; headers may say otherwise where they have a key for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Routing {
    pub(crate) score: Score,
    pub(crate) renormalise: bool,
    pub(crate) groups_by: GroupScore,
    pub(crate) weight_on_input: bool,
    /// `None`: that of the dense layers.
    pub(crate) activation: Option<Activation>,
    /// Of tensors with all experts in safetensors files.
    pub(crate) layout: ExpertLayout,
}

impl Routing {
    /// A softmax over all experts, whose weights are divided by their sum.
    pub(crate) const SOFTMAX: Self = Self {
        score: Score::Softmax,
        renormalise: true,
        groups_by: GroupScore::TopTwo,
        weight_on_input: false,
        activation: None,
        layout: ExpertLayout {
            transposed: false,
            interleaved: false,
        },
    };
}
