use omg_kernels::{Activation, StepGates};

use crate::backend::{Backend, Linear, Norm, RecurInputs};
use crate::blocks::{Scratch, Step, load_norm};
use crate::error::Result;
use crate::spec::DeltaNetSpec;
use crate::weights::{Role, RowOrder, WeightSource};

/// Queries and keys have length 1; this keeps those of no length from becoming infinite.
const LENGTH_EPS: f32 = 1e-6;

/// Gated DeltaNet with its projections.
pub(crate) struct DeltaNet<B: Backend> {
    spec: DeltaNetSpec,
    input: Linear<B>,
    gate: Linear<B>,
    strength: Linear<B>,
    decay: Linear<B>,
    convolution: B::Convolution,
    gates: StepGates,
    norm: Norm<B>,
    output: Linear<B>,
}

impl<B: Backend> DeltaNet<B> {
    pub(crate) fn load(
        backend: &B,
        source: &mut WeightSource<'_>,
        hidden: usize,
        spec: &DeltaNetSpec,
        layer: usize,
    ) -> Result<Self> {
        let (heads, width) = (spec.shape.heads, spec.shape.output_width());
        let channels = spec.shape.input_width();
        let mut linear = |role, order: RowOrder, cols| {
            Linear::read(backend, source, role, layer, order, cols, false)
        };
        let input = linear(Role::StateInput, RowOrder::all(channels), hidden)?;
        let gate = linear(Role::StateGate, RowOrder::all(width), hidden)?;
        let strength = linear(Role::StateStrength, RowOrder::all(heads), hidden)?;
        let decay = linear(Role::StateDecay, RowOrder::all(heads), hidden)?;
        let output = linear(Role::StateOutput, RowOrder::all(hidden), width)?;
        let weights = source.taps(Role::StateConvolution, layer, channels, spec.taps)?;
        Ok(Self {
            input,
            gate,
            strength,
            decay,
            convolution: backend.load_convolution(&weights, None, channels)?,
            gates: StepGates {
                bias: source.values(Role::StateStepBias, layer, heads)?,
                rate: source.values(Role::StateRate, layer, heads)?,
                limits: (0.0, f32::INFINITY),
            },
            norm: load_norm(
                backend,
                source,
                Role::StateNorm,
                layer,
                spec.norm,
                spec.shape.value_dim,
            )?,
            output,
            spec: spec.clone(),
        })
    }

    pub(crate) fn weight_bytes(&self, backend: &B) -> usize {
        let all = [
            &self.input,
            &self.gate,
            &self.strength,
            &self.decay,
            &self.output,
        ];
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
            key: lengths,
            value: decay,
            mixed,
            gate,
            up: strength,
            ..
        } = scratch;
        let shape = &self.spec.shape;
        backend.project(
            [&self.input, &self.gate, &self.strength, &self.decay],
            normed,
            [input, gate, strength, lengths],
        )?;
        backend.begin(states, step.batch)?;
        backend.convolve(&self.convolution, states, step.batch, input, mixed)?;
        backend.activate(Activation::Silu, mixed)?;
        let (keys, dim) = (shape.key_heads * shape.key_dim, shape.key_dim);
        let scale = 1.0 / (dim as f32).sqrt();
        backend.unit_heads(mixed, 0..keys, dim, LENGTH_EPS, scale)?;
        backend.unit_heads(mixed, keys..2 * keys, dim, LENGTH_EPS, 1.0)?;
        backend.step_gates(&self.gates, lengths, decay)?;
        backend.activate(Activation::Sigmoid, strength)?;
        let inputs = RecurInputs {
            mixed,
            query: 0,
            key: keys,
            value: 2 * keys,
            decay,
            strength,
            skip: None,
        };
        let result = input;
        backend.recur(shape, &inputs, states, step.batch, result)?;
        backend.norm_heads(&self.norm, result)?;
        backend.gated(Activation::Silu, gate, result, mixed)?;
        backend.project([&self.output], mixed, [branch])
    }
}
