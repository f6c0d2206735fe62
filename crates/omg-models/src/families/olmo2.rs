//! OLMo 2 and 3: norms on what each half adds, and over all heads of queries and keys together. OLMo 3 windows three of
//! four layers and stretches the rope of the fourth only; its GGUF files say `olmo2`.

use crate::config::{BASE, Family, Windows, keys};
use crate::spec::{NormPlacement, QkNormScope};

pub(crate) const OLMO2: Family = Family {
    name: "olmo2",
    gguf: &["olmo2"],
    architectures: &["Olmo2ForCausalLM"],
    norms: NormPlacement::PostBranch,
    qk_norm: Some(QkNormScope::Projection),
    windows: Windows::Pattern(4),
    rope_scaled_in_windows: false,
    defaults: &[(keys::RMS_EPS, 1e-5), (keys::CONTEXT, 2048.0)],
    ..BASE
};

pub(crate) const OLMO3: Family = Family {
    name: "olmo3",
    gguf: &["olmo3"],
    architectures: &["Olmo3ForCausalLM"],
    defaults: &[
        (keys::RMS_EPS, 1e-5),
        (keys::CONTEXT, 2048.0),
        (keys::ROPE_THETA, 500_000.0),
        (keys::WINDOW, 4096.0),
    ],
    ..OLMO2
};
