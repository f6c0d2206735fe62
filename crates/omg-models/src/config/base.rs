use omg_kernels::{Activation, Pairing};

use super::Windows;
use super::family::{Bias, Family, RopeLayers};
use super::layers::plain_layer;
use crate::spec::{Halves, NormKind, NormPlacement};

/// The plain Llama block that families are compared with.
pub(crate) const BASE: Family = Family {
    name: "",
    gguf: &[],
    architectures: &[],
    norms: NormPlacement::Pre,
    halves: Halves::Sequential,
    norm: NormKind::Rms,
    norm_plus_one: false,
    activation: Activation::Silu,
    gated: true,
    routing: None,
    qkv_bias: Bias::Stored,
    qk_norm: None,
    qk_norm_after_rope: false,
    rope_layers: RopeLayers::Every,
    rope_scaled_in_windows: true,
    gguf_pairing: Pairing::HalfSplit,
    config_pairing: Pairing::HalfSplit,
    windows: Windows::Never,
    defaults: &[],
    names: &[],
    transforms: &[],
    layer: plain_layer,
    adjust: |_, _| Ok(()),
};
