use omg_kernels::Activation;

use super::Scratch;
use crate::backend::{Backend, Linear};
use crate::error::Result;
use crate::spec::GatedSpec;
use crate::weights::{Role, RowOrder, WeightSource};

/// `down(activation(gate(x)) · up(x))`
pub(crate) struct Gated<B: Backend> {
    activation: Activation,
    gate: Linear<B>,
    up: Linear<B>,
    down: Linear<B>,
}

/// Where its projections are stored.
pub(crate) struct GatedRoles {
    gate: Role,
    up: Role,
    /// Rows of gate and up in one matrix.
    gate_up: Role,
    down: Role,
}

/// The feed-forward half of a layer.
pub(crate) const GATED: GatedRoles = GatedRoles {
    gate: Role::Gate,
    up: Role::Up,
    gate_up: Role::GateUp,
    down: Role::Down,
};

/// The expert that every token goes through.
pub(crate) const SHARED: GatedRoles = GatedRoles {
    gate: Role::SharedGate,
    up: Role::SharedUp,
    gate_up: Role::SharedGateUp,
    down: Role::SharedDown,
};

impl<B: Backend> Gated<B> {
    pub(crate) fn load(
        backend: &B,
        source: &mut WeightSource<'_>,
        roles: &GatedRoles,
        spec: &GatedSpec,
        hidden: usize,
        layer: usize,
    ) -> Result<Self> {
        let width = spec.width;
        let fused = !source.has(roles.gate, layer) && source.has(roles.gate_up, layer);
        let mut project = |role: Role, start: usize, bias: bool| {
            let (role, order) = match fused {
                true => (roles.gate_up, RowOrder::run(start, width, 2 * width)),
                false => (role, RowOrder::all(width)),
            };
            Linear::read(backend, source, role, layer, order, hidden, bias)
        };
        let gate = project(roles.gate, 0, spec.gate_bias)?;
        let up = project(roles.up, width, spec.up_bias)?;
        let order = RowOrder::all(hidden);
        let down = Linear::read(
            backend,
            source,
            roles.down,
            layer,
            order,
            width,
            spec.down_bias,
        )?;
        Ok(Self {
            activation: spec.activation,
            gate,
            up,
            down,
        })
    }

    pub(crate) fn weight_bytes(&self, backend: &B) -> usize {
        let linears = [&self.gate, &self.up, &self.down];
        let bytes = linears.map(|linear| backend.matrix_bytes(&linear.matrix));
        bytes.iter().sum()
    }

    /// From `scratch.normed` to `scratch.branch`.
    pub(crate) fn forward(&self, backend: &B, scratch: &mut Scratch<B>) -> Result<()> {
        let Scratch {
            normed,
            branch,
            mixed,
            gate,
            up,
            ..
        } = scratch;
        backend.project([&self.gate, &self.up], normed, [&mut *gate, &mut *up])?;
        backend.gated(self.activation, gate, up, mixed)?;
        backend.project([&self.down], mixed, [branch])
    }
}
