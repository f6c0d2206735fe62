use omg_kernels::Activation;

use super::family::LayerReader;
use super::header::Header;
use super::keys;
use super::routing::Routing;
use crate::error::{Error, Result};
use crate::spec::{ExpertLayout, ExpertsSpec, Groups, RouterSpec, Score, SharedSpec};
use crate::weights::{Role, TensorNames, has_experts, stored_expert_width};

/// The mixture of experts of a layer; `None` where it is dense. Which layers have experts is read from the tensors, because
/// headers say it in many ways.
pub(crate) fn experts(
    reader: &LayerReader<'_>,
    activation: Activation,
    layer: usize,
) -> Result<Option<ExpertsSpec>> {
    let LayerReader { header, names, .. } = reader;
    let per_layer = |key| header.count_per_layer(key, reader.count);
    let count = per_layer(keys::EXPERTS)?.map_or(0, |counts| counts[layer]);
    if count <= 1 {
        return Ok(None);
    }
    let Some(routing) = &reader.family.routing else {
        return Err(Error::Unsupported {
            what: "a mixture of experts".to_owned(),
        });
    };
    let files = header.files();
    if !has_experts(files, names, layer) {
        return Ok(None);
    }
    let used = per_layer(keys::EXPERTS_USED)?;
    let used = used.ok_or_else(|| header.wrong(keys::EXPERTS_USED, "is missing"))?[layer];
    if used == 0 || used > count || count > 1 << 16 {
        return Err(header.wrong(keys::EXPERTS_USED, "does not fit the number of experts"));
    }
    let layout = match header.is_gguf() {
        true => ExpertLayout::default(),
        false => routing.layout,
    };
    let width = match per_layer(keys::EXPERT_WIDTH)? {
        Some(widths) => Some(widths[layer]),
        None => stored_expert_width(files, names, layer, layout),
    };
    let width = width.filter(|width| *width > 0);
    Ok(Some(ExpertsSpec {
        count,
        used,
        width: width.ok_or_else(|| header.wrong(keys::EXPERT_WIDTH, "is missing or zero"))?,
        activation: routing.activation.unwrap_or(activation),
        gated: true,
        router: router(header, routing, names, layer, count)?,
        shared: shared(header, names, layer),
        layout,
    }))
}

fn router(
    header: &Header<'_>,
    routing: &Routing,
    names: &TensorNames,
    layer: usize,
    experts: usize,
) -> Result<RouterSpec> {
    let score = match header.count(keys::EXPERT_SCORE)? {
        None | Some(0) => score_by_name(header)?.unwrap_or(routing.score),
        Some(1) => Score::Softmax,
        Some(2) => Score::Sigmoid,
        Some(3) => Score::SoftmaxOfChosen,
        Some(4) => Score::SqrtSoftplus,
        Some(_) => return Err(header.wrong(keys::EXPERT_SCORE, "is no score that is known")),
    };
    let groups = header.count(keys::EXPERT_GROUPS)?.unwrap_or(1);
    let groups_used = header.count(keys::EXPERT_GROUPS_USED)?.unwrap_or(groups);
    if groups > 1 && (groups_used == 0 || groups_used > groups || !experts.is_multiple_of(groups)) {
        return Err(header.wrong(keys::EXPERT_GROUPS, "does not divide the experts"));
    }
    let scale = header.float(keys::EXPERTS_SCALE)?.unwrap_or(1.0);
    Ok(RouterSpec {
        score,
        bias: header.has_tensor(&names.bias(Role::Router, layer)),
        correction: header.has_tensor(&names.bare(Role::RouterCorrection, layer)),
        groups: (groups > 1 && groups_used < groups).then_some(Groups {
            count: groups,
            used: groups_used,
            by: routing.groups_by,
        }),
        renormalise: header
            .flag(keys::EXPERTS_RENORMALISE)?
            .unwrap_or(routing.renormalise),
        // Old converters write zero for none.
        scale: if scale == 0.0 { 1.0 } else { scale },
        weight_on_input: routing.weight_on_input,
    })
}

fn score_by_name(header: &Header<'_>) -> Result<Option<Score>> {
    match header.text(keys::EXPERT_SCORE_NAME)?.as_deref() {
        None => Ok(None),
        Some("softmax") => Ok(Some(Score::Softmax)),
        Some("sigmoid") => Ok(Some(Score::Sigmoid)),
        Some(_) => Err(header.wrong(keys::EXPERT_SCORE_NAME, "is no score that is known")),
    }
}

/// By its tensors: headers count shared experts in several ways.
fn shared(header: &Header<'_>, names: &TensorNames, layer: usize) -> Option<SharedSpec> {
    let down = header
        .files()
        .tensor(&names.weight(Role::SharedDown, layer))?;
    Some(SharedSpec {
        width: down.cols(),
        gate: header.has_tensor(&names.weight(Role::SharedExpertGate, layer)),
    })
}
