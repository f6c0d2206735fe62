use omg_kernels::Activation;

use super::{ExpertsBlock, GATED, Gated, Scratch};
use crate::backend::{Backend, Linear};
use crate::error::Result;
use crate::spec::{FeedForward, PlainSpec};
use crate::weights::{Role, RowOrder, WeightSource};

/// The feed-forward half of a layer.
pub(crate) enum FeedForwardBlock<B: Backend> {
    Gated(Gated<B>),
    Plain {
        activation: Activation,
        up: Linear<B>,
        down: Linear<B>,
    },
    Experts(Box<ExpertsBlock<B>>),
}

impl<B: Backend> FeedForwardBlock<B> {
    pub(crate) fn load(
        backend: &B,
        source: &mut WeightSource<'_>,
        spec: &FeedForward,
        hidden: usize,
        layer: usize,
    ) -> Result<Self> {
        match spec {
            FeedForward::Gated(spec) => {
                Gated::load(backend, source, &GATED, spec, hidden, layer).map(Self::Gated)
            }
            FeedForward::Plain(spec) => load_plain(backend, source, spec, hidden, layer),
            FeedForward::Experts(spec) => {
                let experts = ExpertsBlock::load(backend, source, spec, hidden, layer)?;
                Ok(Self::Experts(Box::new(experts)))
            }
        }
    }

    pub(crate) fn weight_bytes(&self, backend: &B) -> usize {
        let bytes = |linear: &Linear<B>| backend.matrix_bytes(&linear.matrix);
        match self {
            Self::Gated(gated) => gated.weight_bytes(backend),
            Self::Plain { up, down, .. } => bytes(up) + bytes(down),
            Self::Experts(experts) => experts.weight_bytes(backend),
        }
    }

    /// From `scratch.normed` to `scratch.branch`.
    pub(crate) fn forward(&self, backend: &B, scratch: &mut Scratch<B>) -> Result<()> {
        match self {
            Self::Gated(gated) => gated.forward(backend, scratch),
            Self::Plain {
                activation,
                up,
                down,
            } => {
                let Scratch {
                    normed,
                    branch,
                    up: u,
                    ..
                } = scratch;
                backend.project([up], normed, [&mut *u])?;
                backend.activate(*activation, u)?;
                backend.project([down], u, [branch])
            }
            Self::Experts(experts) => experts.forward(backend, scratch),
        }
    }
}

fn load_plain<B: Backend>(
    backend: &B,
    source: &mut WeightSource<'_>,
    spec: &PlainSpec,
    hidden: usize,
    layer: usize,
) -> Result<FeedForwardBlock<B>> {
    let mut project = |role, rows, cols, bias: bool| {
        Linear::read(
            backend,
            source,
            role,
            layer,
            RowOrder::all(rows),
            cols,
            bias,
        )
    };
    Ok(FeedForwardBlock::Plain {
        activation: spec.activation,
        up: project(Role::Up, spec.width, hidden, spec.up_bias)?,
        down: project(Role::Down, hidden, spec.width, spec.down_bias)?,
    })
}
