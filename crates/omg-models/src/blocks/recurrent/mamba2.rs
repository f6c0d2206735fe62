use omg_kernels::{Activation, StepGates};

use crate::backend::{Backend, Linear, Norm, RecurInputs};
use crate::blocks::{Scratch, Step, load_norm};
use crate::error::Result;
use crate::spec::Mamba2Spec;
use crate::weights::{Role, RowOrder, WeightSource};

/// The state space model of Mamba-2 with its projections.
pub(crate) struct Mamba2<B: Backend> {
    spec: Mamba2Spec,
    gate: Linear<B>,
    input: Linear<B>,
    lengths: Linear<B>,
    convolution: B::Convolution,
    gates: StepGates,
    skip: B::Vector,
    norm: Option<Norm<B>>,
    output: Linear<B>,
}

impl<B: Backend> Mamba2<B> {
    pub(crate) fn load(
        backend: &B,
        source: &mut WeightSource<'_>,
        hidden: usize,
        spec: &Mamba2Spec,
        layer: usize,
    ) -> Result<Self> {
        let (heads, width) = (spec.shape.heads, spec.shape.output_width());
        let channels = spec.shape.input_width();
        let total = width + channels + heads;
        let mut start = 0;
        // One matrix: the gate, what goes through the convolution, the lengths of steps.
        let mut part = |rows: usize| {
            let order = RowOrder::run(start, rows, total);
            start += rows;
            Linear::read(
                backend,
                source,
                Role::StateInput,
                layer,
                order,
                hidden,
                spec.bias,
            )
        };
        let (gate, input, lengths) = (part(width)?, part(channels)?, part(heads)?);
        let weights = source.taps(Role::StateConvolution, layer, channels, spec.taps)?;
        let bias = match spec.conv_bias {
            true => Some(source.bias(Role::StateConvolution, layer, channels)?),
            false => None,
        };
        let norm = match spec.norm {
            Some(norm) => Some(load_norm(
                backend,
                source,
                Role::StateNorm,
                layer,
                norm,
                width,
            )?),
            None => None,
        };
        let order = RowOrder::all(hidden);
        let output = Linear::read(
            backend,
            source,
            Role::StateOutput,
            layer,
            order,
            width,
            spec.bias,
        )?;
        Ok(Self {
            gate,
            input,
            lengths,
            convolution: backend.load_convolution(&weights, bias, channels)?,
            gates: StepGates {
                bias: source.values(Role::StateStepBias, layer, heads)?,
                rate: source.values(Role::StateRate, layer, heads)?,
                limits: spec.step_limits,
            },
            skip: backend.load_vector(source.values(Role::StateSkip, layer, heads)?)?,
            norm,
            output,
            spec: spec.clone(),
        })
    }

    pub(crate) fn weight_bytes(&self, backend: &B) -> usize {
        let all = [&self.gate, &self.input, &self.lengths, &self.output];
        let bytes = |linear: &Linear<B>| backend.matrix_bytes(&linear.matrix);
        all.into_iter().map(bytes).sum()
    }

    pub(crate) fn new_states(&self, backend: &B, slots: usize) -> Result<B::States> {
        backend.new_states(&self.spec.state(), slots)
    }

    /// From `scratch.normed` to `scratch.branch`.
    pub(crate) fn forward(
        &self,
        backend: &B,
        step: &Step<'_, B>,
        states: &mut B::States,
        scratch: &mut Scratch<B>,
    ) -> Result<()> {
        let Scratch {
            normed,
            branch,
            query: input,
            key: gated,
            value: decay,
            mixed,
            gate,
            up: lengths,
            ..
        } = scratch;
        let shape = &self.spec.shape;
        backend.project(
            [&self.gate, &self.input, &self.lengths],
            normed,
            [gate, input, lengths],
        )?;
        backend.begin(states, step.batch)?;
        backend.convolve(&self.convolution, states, step.batch, input, mixed)?;
        backend.activate(Activation::Silu, mixed)?;
        backend.step_gates(&self.gates, lengths, decay)?;
        let (values, keys) = (shape.output_width(), shape.key_heads * shape.key_dim);
        let inputs = RecurInputs {
            mixed,
            value: 0,
            key: values,
            query: values + keys,
            decay,
            strength: lengths,
            skip: Some(&self.skip),
        };
        let result = input;
        backend.recur(shape, &inputs, states, step.batch, result)?;
        let group = values / shape.key_heads;
        match &self.norm {
            Some(norm) => {
                backend.gated(Activation::Silu, gate, result, gated)?;
                backend.norm_groups(norm, gated, group)?;
            }
            None => backend.gated(Activation::Silu, gate, result, gated)?,
        }
        backend.project([&self.output], gated, [branch])
    }
}
