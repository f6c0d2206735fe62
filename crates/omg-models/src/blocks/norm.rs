use crate::backend::{Backend, Norm};
use crate::error::Result;
use crate::spec::{NormKind, NormSpec};
use crate::weights::{Role, WeightSource};

/// Loads a norm of `width` elements.
pub(crate) fn load_norm<B: Backend>(
    backend: &B,
    source: &mut WeightSource<'_>,
    role: Role,
    layer: usize,
    spec: NormSpec,
    width: usize,
) -> Result<Norm<B>> {
    let weight = backend.load_vector(source.norm(role, layer, &spec, width)?)?;
    let bias = match spec.kind {
        NormKind::Rms => None,
        NormKind::Layer => Some(backend.load_vector(source.bias(role, layer, width)?)?),
    };
    Ok(Norm { spec, weight, bias })
}
