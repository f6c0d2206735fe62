//! Command-R, Command-R7B and Command A: both halves read one norm without a bias; logits are scaled. Since Cohere 2, three
//! of four layers have a window, and only those encode positions.

use omg_kernels::Pairing;

use crate::config::{BASE, Family, Header, RopeLayers, Windows, keys};
use crate::error::Result;
use crate::spec::{Halves, ModelSpec, NormKind};

pub(crate) const COHERE: Family = Family {
    name: "command-r",
    gguf: &["command-r"],
    architectures: &["CohereForCausalLM"],
    halves: Halves::Parallel,
    norm: NormKind::Layer,
    gguf_pairing: Pairing::Interleaved,
    config_pairing: Pairing::Interleaved,
    defaults: &[
        (keys::LAYER_NORM_EPS, 1e-5),
        (keys::CONTEXT, 8192.0),
        (keys::LOGIT_SCALE, 0.0625),
    ],
    adjust: |header, spec| {
        if let Some(longest) = header.count(keys::MODEL_MAX_LENGTH)?.filter(|n| *n > 0) {
            spec.context_length = longest;
            spec.served_context = longest;
        }
        logit_scale(header, spec)
    },
    ..BASE
};

pub(crate) const COHERE2: Family = Family {
    name: "cohere2",
    gguf: &["cohere2"],
    architectures: &["Cohere2ForCausalLM"],
    rope_layers: RopeLayers::Windowed,
    windows: Windows::Pattern(4),
    defaults: &[
        (keys::LAYER_NORM_EPS, 1e-5),
        (keys::CONTEXT, 8192.0),
        (keys::LOGIT_SCALE, 0.0625),
        (keys::WINDOW, 4096.0),
    ],
    adjust: logit_scale,
    ..COHERE
};

fn logit_scale(header: &Header<'_>, spec: &mut ModelSpec) -> Result<()> {
    spec.head.scale = header.float(keys::LOGIT_SCALE)?.unwrap_or(1.0);
    Ok(())
}
