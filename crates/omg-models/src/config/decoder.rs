use super::counts::{layer_count, vocab};
use super::family::{Family, LayerReader};
use super::header::Header;
use super::{keys, windows};
use crate::error::Result;
use crate::spec::{HeadSpec, LearnedPositions, ModelSpec, NormKind, NormSpec, RopeScaling};
use crate::weights::{Role, TensorNames};

/// Tokens that no header may go beyond.
const LONGEST: f64 = (1u32 << 30) as f64;

/// Builds the spec that a family's columns and a header describe.
pub(crate) fn decoder_spec(header: &Header<'_>, family: &Family) -> Result<ModelSpec> {
    let names = TensorNames::find(header.files(), family.names, family.transforms)?;
    let hidden = header.required_count(keys::HIDDEN)?;
    let count = layer_count(header)?;
    let norm = norm(header, family, &names)?;
    let reader = LayerReader {
        header,
        family,
        names: &names,
        hidden,
        count,
        norm,
        windows: windows::read(header, family.windows, count)?,
    };
    let layers = (0..count).map(|layer| (family.layer)(&reader, layer));
    let layers = layers.collect::<Result<Vec<_>>>()?;
    let positions = positions(header, &names);
    let stated = header.required_count(keys::CONTEXT)?;
    let context_length = positions.map_or(stated, |table| table.rows.min(stated));
    let mut spec = ModelSpec {
        architecture: family.name,
        hidden,
        vocab: vocab(header, &names)?,
        context_length,
        served_context: context_length,
        embedding_scale: 1.0,
        positions,
        per_layer: None,
        layers,
        final_norm: norm,
        head: HeadSpec {
            // Files are trusted before flags: a head that is stored is used.
            tied: !header.has_tensor(&names.weight(Role::Head, 0)),
            bias: header.has_tensor(&names.bias(Role::Head, 0)),
            scale: 1.0,
            softcap: None,
        },
        names,
    };
    (family.adjust)(header, &mut spec)?;
    // A rope whose base grows with the context serves more than the context it was made for.
    let ropes = spec
        .attention_mut()
        .filter_map(|(_, attention)| attention.rope.as_ref());
    let stretch = ropes.filter_map(|rope| match rope.scaling {
        RopeScaling::Dynamic { factor, .. } => Some(factor),
        _ => None,
    });
    if let Some(factor) = stretch.reduce(f64::max).filter(|factor| *factor > 1.0) {
        let stretched = (spec.context_length as f64 * factor).min(LONGEST) as usize;
        spec.context_length = stretched;
        spec.served_context = stretched;
    }
    Ok(spec)
}

fn norm(header: &Header<'_>, family: &Family, names: &TensorNames) -> Result<NormSpec> {
    let key = match family.norm {
        NormKind::Rms => keys::RMS_EPS,
        NormKind::Layer => keys::LAYER_NORM_EPS,
    };
    let eps = header.float(key)?.filter(|eps| (0.0..1.0).contains(eps));
    Ok(NormSpec {
        kind: family.norm,
        eps: eps.ok_or_else(|| header.wrong(key, "is missing or not a small number"))?,
        weight: true,
        bias: header.has_tensor(&names.bias(Role::FinalNorm, 0)),
        plus_one: family.norm_plus_one && !header.is_gguf(),
    })
}

/// A table of positions is used where there is one.
fn positions(header: &Header<'_>, names: &TensorNames) -> Option<LearnedPositions> {
    let tensor = header.files().tensor(&names.weight(Role::Positions, 0))?;
    let rows = tensor.shape.first().copied()?;
    Some(LearnedPositions { rows, first: 0 })
}
