use super::router::sigmoid;
use super::{Gated, SHARED, Scratch, route};
use crate::backend::{Backend, ExpertLayer, Linear};
use crate::error::Result;
use crate::spec::{ExpertsSpec, GatedSpec, RouterSpec};
use crate::weights::{ExpertPart, ExpertShape, Role, RowOrder, WeightSource};

/// A mixture of experts with its router, and the expert that all tokens go through.
pub(crate) struct ExpertsBlock<B: Backend> {
    spec: RouterSpec,
    count: usize,
    used: usize,
    router: Linear<B>,
    correction: Option<Vec<f32>>,
    layer: ExpertLayer<B>,
    shared: Option<Shared<B>>,
}

struct Shared<B: Backend> {
    network: Gated<B>,
    gate: Option<Linear<B>>,
}

impl<B: Backend> ExpertsBlock<B> {
    pub(crate) fn load(
        backend: &B,
        source: &mut WeightSource<'_>,
        spec: &ExpertsSpec,
        hidden: usize,
        layer: usize,
    ) -> Result<Self> {
        let ExpertsSpec { count, width, .. } = *spec;
        let order = RowOrder::all(count);
        let router = Linear::read(
            backend,
            source,
            Role::Router,
            layer,
            order,
            hidden,
            spec.router.bias,
        )?;
        let correction = spec
            .router
            .correction
            .then(|| source.bare_vector(Role::RouterCorrection, layer, count))
            .transpose()?;

        let mut project = |part: ExpertPart| {
            let (rows, cols) = match part {
                ExpertPart::Gate | ExpertPart::Up => (width, hidden),
                ExpertPart::Down => (hidden, width),
            };
            let shape = ExpertShape {
                experts: count,
                rows,
                cols,
            };
            let rows = source.experts(part, layer, shape, spec.layout)?;
            let matrix = backend.load_experts(&rows)?;
            let bias = source.expert_biases(part, layer, shape, spec.layout)?;
            let bias = bias.map(|values| backend.load_vector(values)).transpose()?;
            Ok::<_, crate::Error>((matrix, bias))
        };
        let (gate, gate_bias) = match spec.gated {
            true => project(ExpertPart::Gate).map(|(matrix, bias)| (Some(matrix), bias))?,
            false => (None, None),
        };
        let (up, up_bias) = project(ExpertPart::Up)?;
        let (down, down_bias) = project(ExpertPart::Down)?;
        let shared = Shared::load(backend, source, spec, hidden, layer)?;
        Ok(Self {
            spec: spec.router.clone(),
            count,
            used: spec.used,
            router,
            correction,
            layer: ExpertLayer {
                gate,
                up,
                down,
                gate_bias,
                up_bias,
                down_bias,
                activation: spec.activation,
                weight_on_input: spec.router.weight_on_input,
            },
            shared,
        })
    }

    pub(crate) fn weight_bytes(&self, backend: &B) -> usize {
        let ExpertLayer { gate, up, down, .. } = &self.layer;
        let experts = gate.iter().chain([up, down]);
        let shared = self.shared.as_ref();
        experts
            .map(|matrix| backend.expert_bytes(matrix))
            .sum::<usize>()
            + backend.matrix_bytes(&self.router.matrix)
            + shared.map_or(0, |shared| shared.network.weight_bytes(backend))
    }

    /// From `scratch.normed` to `scratch.branch`.
    pub(crate) fn forward(&self, backend: &B, scratch: &mut Scratch<B>) -> Result<()> {
        if let Some(shared) = &self.shared {
            shared.forward(backend, scratch)?;
            std::mem::swap(&mut scratch.branch, &mut scratch.beside);
        }
        backend.project([&self.router], &scratch.normed, [&mut scratch.gate])?;
        let logits = backend.to_host(&scratch.gate)?;
        let correction = self.correction.as_deref();
        let routes = route(&self.spec, self.used, correction, &logits, self.count);
        backend.experts(&self.layer, &routes, &scratch.normed, &mut scratch.branch)?;
        if self.shared.is_some() {
            backend.accumulate(&mut scratch.branch, &scratch.beside, 1.0)?;
        }
        Ok(())
    }
}

impl<B: Backend> Shared<B> {
    fn load(
        backend: &B,
        source: &mut WeightSource<'_>,
        spec: &ExpertsSpec,
        hidden: usize,
        layer: usize,
    ) -> Result<Option<Self>> {
        let Some(shared) = spec.shared else {
            return Ok(None);
        };
        let gated = GatedSpec {
            width: shared.width,
            activation: spec.activation,
            gate_bias: false,
            up_bias: false,
            down_bias: false,
        };
        let network = Gated::load(backend, source, &SHARED, &gated, hidden, layer)?;
        let gate = match shared.gate {
            true => {
                let values = source.row(Role::SharedExpertGate, layer, hidden)?;
                Some(Linear::load(backend, &values, None)?)
            }
            false => None,
        };
        Ok(Some(Self { network, gate }))
    }

    /// From `scratch.normed` to `scratch.branch`.
    fn forward(&self, backend: &B, scratch: &mut Scratch<B>) -> Result<()> {
        self.network.forward(backend, scratch)?;
        let Some(gate) = &self.gate else {
            return Ok(());
        };
        backend.project([gate], &scratch.normed, [&mut scratch.gate])?;
        let mut factors = backend.to_host(&scratch.gate)?;
        factors.iter_mut().for_each(|x| *x = sigmoid(*x));
        backend.scale_rows(&mut scratch.branch, &factors)
    }
}
