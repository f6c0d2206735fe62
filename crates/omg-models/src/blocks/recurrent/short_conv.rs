use crate::backend::{Backend, Linear};
use crate::blocks::{Scratch, Step};
use crate::error::Result;
use crate::spec::ShortConvSpec;
use crate::weights::{Role, RowOrder, WeightSource};

/// A convolution between two gates, with its projections.
pub(crate) struct ShortConv<B: Backend> {
    spec: ShortConvSpec,
    /// Multiplied into what goes through the convolution.
    before: Linear<B>,
    /// Multiplied into what comes out.
    after: Linear<B>,
    input: Linear<B>,
    convolution: B::Convolution,
    output: Linear<B>,
}

impl<B: Backend> ShortConv<B> {
    pub(crate) fn load(
        backend: &B,
        source: &mut WeightSource<'_>,
        hidden: usize,
        spec: &ShortConvSpec,
        layer: usize,
    ) -> Result<Self> {
        let width = spec.width;
        let mut part = |index: usize| {
            let order = RowOrder::run(index * width, width, 3 * width);
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
        let (before, after, input) = (part(0)?, part(1)?, part(2)?);
        let weights = source.taps(Role::StateConvolution, layer, width, spec.taps)?;
        let conv_bias = match spec.bias {
            true => Some(source.bias(Role::StateConvolution, layer, width)?),
            false => None,
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
            spec: *spec,
            before,
            after,
            input,
            convolution: backend.load_convolution(&weights, conv_bias, width)?,
            output,
        })
    }

    pub(crate) fn weight_bytes(&self, backend: &B) -> usize {
        let all = [&self.before, &self.after, &self.input, &self.output];
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
            query: before,
            key: after,
            value: input,
            mixed,
            gate: convolved,
            ..
        } = scratch;
        backend.project(
            [&self.before, &self.after, &self.input],
            normed,
            [before, after, input],
        )?;
        backend.begin(states, step.batch)?;
        backend.multiply(before, input, mixed)?;
        backend.convolve(&self.convolution, states, step.batch, mixed, convolved)?;
        backend.multiply(after, convolved, mixed)?;
        backend.project([&self.output], mixed, [branch])
    }
}
