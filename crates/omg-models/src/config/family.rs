use omg_kernels::{Activation, Pairing};

use super::header::{Header, Key};
use super::routing::Routing;
use super::{Windows, keys};
use crate::error::Result;
use crate::spec::{
    FeedForward, Halves, LayerSpec, ModelSpec, NormKind, NormPlacement, NormSpec, QkNormScope,
};
use crate::weights::{Name, Role, TensorNames, Transforms};

/// One row of the table of families.
pub(crate) struct Family {
    pub(crate) name: &'static str,
    /// `general.architecture` of its GGUF files.
    pub(crate) gguf: &'static [&'static str],
    /// `architectures` of its `config.json`.
    pub(crate) architectures: &'static [&'static str],
    pub(crate) norms: NormPlacement,
    pub(crate) halves: Halves,
    pub(crate) norm: NormKind,
    /// Safetensors store norm weights minus one.
    pub(crate) norm_plus_one: bool,
    pub(crate) activation: Activation,
    /// The feed-forward half multiplies two projections.
    pub(crate) gated: bool,
    /// `None`: the family has no mixtures of experts.
    pub(crate) routing: Option<Routing>,
    pub(crate) qkv_bias: Bias,
    pub(crate) qk_norm: Option<QkNormScope>,
    pub(crate) qk_norm_after_rope: bool,
    pub(crate) rope_layers: RopeLayers,
    /// Windowed layers stretch their rope as the others do.
    pub(crate) rope_scaled_in_windows: bool,
    /// Pairs of the rope in GGUF files: interleaved where the converter permutes query and key rows.
    pub(crate) gguf_pairing: Pairing,
    pub(crate) config_pairing: Pairing,
    pub(crate) windows: Windows,
    /// What headers may leave out.
    pub(crate) defaults: &'static [(Key, f64)],
    /// Tensor names that differ from the standard ones.
    pub(crate) names: &'static [Name],
    /// How safetensors differ from GGUF files in more than names.
    pub(crate) transforms: Transforms,
    /// Builds a layer; families whose layers differ in kind have their own.
    pub(crate) layer: fn(&LayerReader<'_>, usize) -> Result<LayerSpec>,
    pub(crate) adjust: fn(&Header<'_>, &mut ModelSpec) -> Result<()>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bias {
    /// Added where the file has one.
    Stored,
    Required,
}

/// Which layers turn queries and keys by their positions, where the header does not list them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum RopeLayers {
    Every,
    None,
    /// Those with a window, where the model has any.
    Windowed,
    /// The last of `n` in a row does not.
    AllBut(usize),
}

/// What the layers of a model are read from.
pub(crate) struct LayerReader<'a> {
    pub(crate) header: &'a Header<'a>,
    pub(crate) family: &'a Family,
    pub(crate) names: &'a TensorNames,
    pub(crate) hidden: usize,
    /// Layers of the model.
    pub(crate) count: usize,
    pub(crate) norm: NormSpec,
    /// The window of each layer in tokens.
    pub(crate) windows: Vec<Option<usize>>,
}

impl LayerReader<'_> {
    /// Whether the file has a bias for this role.
    pub(crate) fn has_bias(&self, role: Role, layer: usize) -> bool {
        self.header.has_tensor(&self.names.bias(role, layer))
    }

    /// The layers that come before those which read the keys and values of earlier ones.
    pub(crate) fn layers_with_own_cache(&self) -> Result<usize> {
        let key = keys::SHARED_KV_LAYERS;
        let shared = self.header.count(key)?.unwrap_or(0);
        let own = self.count.checked_sub(shared).filter(|own| *own > 0);
        own.ok_or_else(|| {
            self.header
                .wrong(key, "leaves no layer with a cache of its own")
        })
    }

    /// Gives a dense feed-forward half the width of its matrices, in families whose configs state another one: that of the
    /// experts, or one from which it is computed.
    pub(crate) fn take_stored_width(&self, layer: usize, spec: &mut LayerSpec) {
        if let Some(FeedForward::Gated(half)) = &mut spec.feed_forward {
            let down = self.names.weight(Role::Down, layer);
            let stored = self.header.files().tensor(&down);
            half.width = stored.map_or(half.width, |tensor| tensor.cols());
        }
    }

    pub(crate) fn has_weight(&self, role: Role, layer: usize) -> bool {
        self.header.has_tensor(&self.names.weight(role, layer))
    }
}
