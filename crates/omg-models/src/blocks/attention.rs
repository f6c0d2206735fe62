use omg_kernels::AttentionShape;

use super::{Ropes, Scratch, Step, load_norm};
use crate::backend::{Backend, Linear, Norm};
use crate::error::Result;
use crate::spec::{AttentionSpec, QkNormScope};
use crate::weights::{Fused, Role, WeightSource};

/// Grouped-query attention with its projections.
pub(crate) struct Attention<B: Backend> {
    shape: AttentionShape,
    query: Linear<B>,
    key: Linear<B>,
    value: Linear<B>,
    output: Linear<B>,
    qk_norm: Option<(Norm<B>, Norm<B>)>,
    /// Which of the model's ropes.
    rope: Option<usize>,
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
        let (query_width, key_width, value_width) =
            (spec.query_width(), spec.key_width(), spec.value_width());
        let fused = !source.has(Role::Query, layer) && source.has(Role::QueryKeyValue, layer);
        let total = query_width + key_width + value_width;
        let mut project =
            |role: Role, start: usize, rows: usize, bias: bool| -> Result<Linear<B>> {
                let inside = Fused {
                    role: Role::QueryKeyValue,
                    start,
                    total,
                };
                let (matrix, bias) = if fused {
                    let matrix = source.fused_matrix(inside, layer, rows, hidden)?;
                    (
                        matrix,
                        bias.then(|| source.fused_bias(inside, layer, rows))
                            .transpose()?,
                    )
                } else {
                    let matrix = source.matrix(role, layer, rows, hidden)?;
                    (
                        matrix,
                        bias.then(|| source.bias(role, layer, rows)).transpose()?,
                    )
                };
                Linear::load(backend, &matrix, bias)
            };
        let query = project(Role::Query, 0, query_width, spec.bias.query)?;
        let key = project(Role::Key, query_width, key_width, spec.bias.key)?;
        let value = project(
            Role::Value,
            query_width + key_width,
            value_width,
            spec.bias.value,
        )?;

        let matrix = source.matrix(Role::AttentionOutput, layer, hidden, spec.output_width())?;
        let bias = spec
            .bias
            .output
            .then(|| source.bias(Role::AttentionOutput, layer, hidden))
            .transpose()?;
        let output = Linear::load(backend, &matrix, bias)?;

        let mut norm = |role, width| match spec.qk_norm {
            None => Ok(None),
            Some(qk) => {
                let width = if qk.scope == QkNormScope::Head {
                    spec.key_dim
                } else {
                    width
                };
                load_norm(backend, source, role, layer, qk.norm, width).map(Some)
            }
        };
        let qk_norm = norm(Role::QueryNorm, query_width)?.zip(norm(Role::KeyNorm, key_width)?);

        let rope = spec
            .rope
            .as_ref()
            .map(|rope| ropes.load(backend, source, rope))
            .transpose()?;
        let shape = AttentionShape {
            heads: spec.heads,
            kv_heads: spec.kv_heads,
            k_dim: spec.key_dim,
            v_dim: spec.value_dim,
            scale: spec.scale,
            softcap: spec.softcap,
            mask: spec.mask,
            sinks: None,
            slopes: None,
        };
        Ok(Self {
            shape,
            query,
            key,
            value,
            output,
            qk_norm,
            rope,
        })
    }

    pub(crate) fn weight_bytes(&self, backend: &B) -> usize {
        let linears = [&self.query, &self.key, &self.value, &self.output];
        linears
            .iter()
            .map(|linear| backend.matrix_bytes(&linear.matrix))
            .sum()
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
        let Scratch {
            normed,
            branch,
            query,
            key,
            value,
            mixed,
            ..
        } = scratch;
        backend.project(
            [&self.query, &self.key, &self.value],
            normed,
            [query, key, value],
        )?;
        if let Some((query_norm, key_norm)) = &self.qk_norm {
            backend.norm_heads(query_norm, query)?;
            backend.norm_heads(key_norm, key)?;
        }
        if let Some(rope) = self.rope {
            backend.rotate(&step.rotations[rope], query, self.shape.k_dim)?;
            backend.rotate(&step.rotations[rope], key, self.shape.k_dim)?;
        }
        backend.attention(&self.shape, kv, step.batch, query, key, value, mixed)?;
        backend.project([&self.output], mixed, [branch])
    }
}
