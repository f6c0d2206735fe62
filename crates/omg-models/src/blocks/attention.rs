use omg_kernels::{Activation, AttentionShape};

use super::{Ropes, Scratch, Step, load_norm};
use crate::backend::{Backend, Linear, Norm};
use crate::error::Result;
use crate::spec::{AttentionSpec, KeysValues, OutputGate, QkNormScope, Temperature};
use crate::weights::{Role, RowOrder, WeightSource};

/// Grouped-query attention with its projections.
pub(crate) struct Attention<B: Backend> {
    shape: AttentionShape,
    query: Linear<B>,
    /// `None`: those of another layer are read.
    keys_values: Option<KeyValue<B>>,
    gate: Option<Linear<B>>,
    output: Linear<B>,
    query_norm: Option<Norm<B>>,
    norm_after_rope: bool,
    /// Which of the model's ropes.
    rope: Option<usize>,
    temperature: Option<Temperature>,
}

struct KeyValue<B: Backend> {
    key: Linear<B>,
    /// `None`: the values are the keys as projected.
    value: Option<Linear<B>>,
    key_norm: Option<Norm<B>>,
    value_norm: Option<Norm<B>>,
}

impl<B: Backend> Attention<B> {
    pub(crate) fn load(
        backend: &B,
        source: &mut WeightSource<'_>,
        ropes: &mut Ropes<B>,
        hidden: usize,
        spec: &AttentionSpec,
        layer: usize,
    ) -> Result<Self> {
        let mut projections = Projections {
            fused: !source.has(Role::Query, layer) && source.has(Role::QueryKeyValue, layer),
            backend,
            source,
            spec,
            hidden,
            layer,
        };
        let query = projections.query()?;
        let gate = projections.gate()?;
        let keys_values = projections.keys_values()?;
        let output = projections.output()?;
        let query_norm = projections.qk_norm(Role::QueryNorm, spec.query_width())?;
        let sinks = match spec.sinks {
            true => Some(source.weight_vector(Role::Sinks, layer, spec.heads)?),
            false => None,
        };
        let rope = match &spec.rope {
            Some(rope) => Some(ropes.load(backend, source, rope)?),
            None => None,
        };
        let shape = AttentionShape {
            heads: spec.heads,
            kv_heads: spec.kv_heads,
            k_dim: spec.key_dim,
            v_dim: spec.value_dim,
            scale: spec.scale,
            softcap: spec.softcap,
            mask: spec.mask,
            sinks,
            slopes: spec.slopes.clone(),
        };
        Ok(Self {
            shape,
            query,
            keys_values,
            gate,
            output,
            query_norm,
            norm_after_rope: spec.qk_norm.is_some_and(|norm| norm.after_rope),
            rope,
            temperature: spec.temperature,
        })
    }

    pub(crate) fn weight_bytes(&self, backend: &B) -> usize {
        let kv = self.keys_values.as_ref();
        let linears = [
            Some(&self.query),
            kv.map(|kv| &kv.key),
            kv.and_then(|kv| kv.value.as_ref()),
            self.gate.as_ref(),
            Some(&self.output),
        ];
        let bytes = |linear: &Linear<B>| backend.matrix_bytes(&linear.matrix);
        linears.into_iter().flatten().map(bytes).sum()
    }

    pub(crate) fn shape(&self) -> &AttentionShape {
        &self.shape
    }

    /// From `scratch.normed` to `scratch.branch`.
    pub(crate) fn forward(
        &self,
        backend: &B,
        step: &Step<'_, B>,
        kv: &mut B::Kv,
        scratch: &mut Scratch<B>,
    ) -> Result<()> {
        self.project(backend, scratch)?;
        let Scratch {
            branch,
            query,
            key,
            value,
            mixed,
            gate,
            up,
            ..
        } = scratch;
        self.place(backend, step, self.query_norm.as_ref(), query)?;
        if let Some(temperature) = &self.temperature {
            let positions = step.batch.positions.iter();
            let factors: Vec<f32> = positions.map(|at| temperature.factor(*at)).collect();
            backend.scale_rows(query, &factors)?;
        }
        let new = match &self.keys_values {
            Some(own) => {
                if let Some(norm) = &own.value_norm {
                    backend.norm_heads(norm, value)?;
                }
                self.place(backend, step, own.key_norm.as_ref(), key)?;
                Some((&*key, &*value))
            }
            None => None,
        };
        backend.attention(&self.shape, kv, step.batch, query, new, mixed)?;
        if self.gate.is_some() {
            backend.gated(Activation::Sigmoid, gate, mixed, up)?;
            return backend.project([&self.output], up, [branch]);
        }
        backend.project([&self.output], mixed, [branch])
    }

    /// Query, key, value and gate of `scratch.normed`.
    fn project(&self, backend: &B, scratch: &mut Scratch<B>) -> Result<()> {
        let Scratch {
            normed,
            query,
            key,
            value,
            gate,
            ..
        } = scratch;
        match &self.keys_values {
            None => backend.project([&self.query], normed, [query])?,
            Some(kv) => match &kv.value {
                Some(values) => {
                    backend.project([&self.query, &kv.key, values], normed, [query, key, value])?;
                }
                None => {
                    backend.project([&self.query, &kv.key], normed, [query, &mut *key])?;
                    backend.copy(key, value)?;
                }
            },
        }
        match &self.gate {
            Some(linear) => backend.project([linear], normed, [gate]),
            None => Ok(()),
        }
    }

    /// Norm and rope of queries or keys.
    fn place(
        &self,
        backend: &B,
        step: &Step<'_, B>,
        norm: Option<&Norm<B>>,
        x: &mut B::Rows,
    ) -> Result<()> {
        let (before, after) = match self.norm_after_rope {
            false => (norm, None),
            true => (None, norm),
        };
        if let Some(norm) = before {
            backend.norm_heads(norm, x)?;
        }
        if let Some(rope) = self.rope {
            backend.rotate(&step.rotations[rope], x, self.shape.k_dim)?;
        }
        match after {
            Some(norm) => backend.norm_heads(norm, x),
            None => Ok(()),
        }
    }
}

/// Loads the projections of a layer, fused in one matrix or not.
struct Projections<'a, 'f, B: Backend> {
    backend: &'a B,
    source: &'a mut WeightSource<'f>,
    spec: &'a AttentionSpec,
    hidden: usize,
    layer: usize,
    fused: bool,
}

impl<B: Backend> Projections<'_, '_, B> {
    fn query(&mut self) -> Result<Linear<B>> {
        let (width, bias) = (self.spec.query_width(), self.spec.bias.query);
        match self.spec.gate {
            Some(OutputGate::WithinQuery) => self.half_of_query(0),
            _ => self.rows(Role::Query, 0, width, bias),
        }
    }

    fn gate(&mut self) -> Result<Option<Linear<B>>> {
        match self.spec.gate {
            None => Ok(None),
            Some(OutputGate::WithinQuery) => self.half_of_query(1).map(Some),
            Some(OutputGate::Projected) => {
                let order = RowOrder::all(self.spec.output_width());
                self.linear(Role::AttentionGate, order, self.hidden, false)
                    .map(Some)
            }
        }
    }

    fn keys_values(&mut self) -> Result<Option<KeyValue<B>>> {
        let spec = self.spec;
        let (start, width) = (spec.query_width(), spec.key_width());
        if let KeysValues::OfLayer(_) = spec.keys_values {
            for role in [Role::Key, Role::Value, Role::KeyNorm] {
                self.source.pass_over(role, self.layer);
            }
            return Ok(None);
        }
        let key = self.rows(Role::Key, start, width, spec.bias.key)?;
        let value = match spec.keys_values {
            KeysValues::ValueFromKey => None,
            _ => {
                let start = start + width;
                Some(self.rows(Role::Value, start, spec.value_width(), spec.bias.value)?)
            }
        };
        let (source, layer) = (&mut *self.source, self.layer);
        let value_norm = match spec.value_norm {
            Some(norm) => Some(load_norm(
                self.backend,
                source,
                Role::ValueNorm,
                layer,
                norm,
                spec.value_dim,
            )?),
            None => None,
        };
        Ok(Some(KeyValue {
            key,
            value,
            key_norm: self.qk_norm(Role::KeyNorm, width)?,
            value_norm,
        }))
    }

    fn output(&mut self) -> Result<Linear<B>> {
        let (width, bias) = (self.spec.output_width(), self.spec.bias.output);
        self.linear(
            Role::AttentionOutput,
            RowOrder::all(self.hidden),
            width,
            bias,
        )
    }

    fn qk_norm(&mut self, role: Role, width: usize) -> Result<Option<Norm<B>>> {
        let Some(qk) = self.spec.qk_norm else {
            return Ok(None);
        };
        let width = match qk.scope {
            QkNormScope::Head => self.spec.key_dim,
            QkNormScope::Projection => width,
        };
        let (source, layer) = (&mut *self.source, self.layer);
        load_norm(self.backend, source, role, layer, qk.norm, width).map(Some)
    }

    /// `width` rows of a role, which begin at `start` where all are in one matrix.
    fn rows(&mut self, role: Role, start: usize, width: usize, bias: bool) -> Result<Linear<B>> {
        let spec = self.spec;
        let (role, order) = match self.fused {
            false => (role, RowOrder::all(width)),
            true => {
                let total = spec.query_width() + spec.key_width() + spec.value_width();
                (Role::QueryKeyValue, RowOrder::run(start, width, total))
            }
        };
        self.linear(role, order, self.hidden, bias)
    }

    /// The query (0) or the gate (1), which lie side by side for each head.
    fn half_of_query(&mut self, index: usize) -> Result<Linear<B>> {
        let order = RowOrder::every(self.spec.key_dim, 2, index, self.spec.heads);
        self.linear(Role::Query, order, self.hidden, self.spec.bias.query)
    }

    fn linear(
        &mut self,
        role: Role,
        order: RowOrder,
        cols: usize,
        bias: bool,
    ) -> Result<Linear<B>> {
        Linear::read(
            self.backend,
            self.source,
            role,
            self.layer,
            order,
            cols,
            bias,
        )
    }
}
