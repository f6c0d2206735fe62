use crate::backend::{Backend, Norm};
use crate::error::Result;
use crate::spec::NormSpec;
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
    let weight = match spec.weight {
        true => source.norm(role, layer, &spec, width)?,
        false => vec![1.0; width],
    };
    let bias = match spec.bias {
        true => Some(backend.load_vector(source.bias(role, layer, width)?)?),
        false => None,
    };
    Ok(Norm {
        spec,
        weight: backend.load_vector(weight)?,
        bias,
    })
}
