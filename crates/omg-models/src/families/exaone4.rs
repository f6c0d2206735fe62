//! EXAONE 4: norms on what each half adds and on the heads of queries and keys. The 32B windows three of four layers, and
//! only those encode positions.

use crate::config::{BASE, Family, RopeLayers, Windows, keys};
use crate::spec::{NormPlacement, QkNormScope};

pub(crate) const FAMILY: Family = Family {
    name: "exaone4",
    gguf: &["exaone4"],
    architectures: &["Exaone4ForCausalLM"],
    norms: NormPlacement::PostBranch,
    qk_norm: Some(QkNormScope::Head),
    rope_layers: RopeLayers::Windowed,
    windows: Windows::Pattern(4),
    defaults: &[(keys::RMS_EPS, 1e-5), (keys::CONTEXT, 2048.0)],
    ..BASE
};
