use omg_kernels::Activation;

use super::Scratch;
use crate::backend::{Backend, Linear};
use crate::error::Result;
use crate::spec::{FeedForward, GatedSpec, PlainSpec};
use crate::weights::{Role, RowOrder, WeightSource};

/// The feed-forward half of a layer.
pub(crate) enum FeedForwardBlock<B: Backend> {
    Gated {
        activation: Activation,
        gate: Linear<B>,
        up: Linear<B>,
        down: Linear<B>,
    },
    Plain {
        activation: Activation,
        up: Linear<B>,
        down: Linear<B>,
    },
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
            FeedForward::Gated(spec) => load_gated(backend, source, spec, hidden, layer),
            FeedForward::Plain(spec) => load_plain(backend, source, spec, hidden, layer),
        }
    }

    pub(crate) fn weight_bytes(&self, backend: &B) -> usize {
        let bytes = |linear: &Linear<B>| backend.matrix_bytes(&linear.matrix);
        match self {
            Self::Gated { gate, up, down, .. } => bytes(gate) + bytes(up) + bytes(down),
            Self::Plain { up, down, .. } => bytes(up) + bytes(down),
        }
    }

    /// From `scratch.normed` to `scratch.branch`.
    pub(crate) fn forward(&self, backend: &B, scratch: &mut Scratch<B>) -> Result<()> {
        let Scratch {
            normed,
            branch,
            mixed,
            gate: g,
            up: u,
            ..
        } = scratch;
        match self {
            Self::Gated {
                activation,
                gate,
                up,
                down,
            } => {
                backend.project([gate, up], normed, [&mut *g, &mut *u])?;
                backend.gated(*activation, g, u, mixed)?;
                backend.project([down], mixed, [branch])
            }
            Self::Plain {
                activation,
                up,
                down,
            } => {
                backend.project([up], normed, [&mut *u])?;
                backend.activate(*activation, u)?;
                backend.project([down], u, [branch])
            }
        }
    }
}

fn load_gated<B: Backend>(
    backend: &B,
    source: &mut WeightSource<'_>,
    spec: &GatedSpec,
    hidden: usize,
    layer: usize,
) -> Result<FeedForwardBlock<B>> {
    let width = spec.width;
    let fused = !source.has(Role::Gate, layer) && source.has(Role::GateUp, layer);
    let mut project = |role: Role, start: usize, bias: bool| {
        let (role, order) = match fused {
            true => (Role::GateUp, RowOrder::run(start, width, 2 * width)),
            false => (role, RowOrder::all(width)),
        };
        let matrix = source.rows(role, layer, order, hidden)?;
        let bias = match bias {
            true => Some(source.bias_rows(role, layer, order)?),
            false => None,
        };
        Linear::load(backend, &matrix, bias)
    };
    let gate = project(Role::Gate, 0, spec.gate_bias)?;
    let up = project(Role::Up, width, spec.up_bias)?;
    let down = load_down(backend, source, width, spec.down_bias, hidden, layer)?;
    Ok(FeedForwardBlock::Gated {
        activation: spec.activation,
        gate,
        up,
        down,
    })
}

fn load_plain<B: Backend>(
    backend: &B,
    source: &mut WeightSource<'_>,
    spec: &PlainSpec,
    hidden: usize,
    layer: usize,
) -> Result<FeedForwardBlock<B>> {
    let matrix = source.matrix(Role::Up, layer, spec.width, hidden)?;
    let bias = spec
        .up_bias
        .then(|| source.bias(Role::Up, layer, spec.width))
        .transpose()?;
    let up = Linear::load(backend, &matrix, bias)?;
    let down = load_down(backend, source, spec.width, spec.down_bias, hidden, layer)?;
    Ok(FeedForwardBlock::Plain {
        activation: spec.activation,
        up,
        down,
    })
}

fn load_down<B: Backend>(
    backend: &B,
    source: &mut WeightSource<'_>,
    width: usize,
    bias: bool,
    hidden: usize,
    layer: usize,
) -> Result<Linear<B>> {
    let matrix = source.matrix(Role::Down, layer, hidden, width)?;
    let bias = bias
        .then(|| source.bias(Role::Down, layer, hidden))
        .transpose()?;
    Linear::load(backend, &matrix, bias)
}
