use super::{FeedForward, Mixer, NormSpec, PerLayerSpec};

/// One layer: mixers, a feed-forward half, or both, each added to the residual stream.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerSpec {
    /// Usually one. Two read the same rows and their results are added (Falcon-H1); a layer without one is a
    /// feed-forward half alone (Nemotron-H).
    pub mixers: Vec<Mixer>,
    /// `None`: the layer is a mixer alone (Mamba-2).
    pub feed_forward: Option<FeedForward>,
    pub norms: LayerNorms,
    pub halves: Halves,
    /// A third half, of what the layer is given of each token.
    pub per_layer: Option<PerLayerSpec>,
    /// What each half adds to the residual stream is multiplied by this.
    pub residual_scale: f32,
    /// The file stores a factor for the residual stream at the end of the layer (Gemma 4).
    pub output_scale: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halves {
    /// The feed-forward half reads what the mixer left in the residual stream.
    Sequential,
    /// Both halves read the norm before the mixer (Cohere, Phi-2).
    Parallel,
}

/// Where a layer has norms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormPlacement {
    /// Before both halves.
    Pre,
    /// Before and after both halves (Gemma).
    Sandwich,
    /// On what each half adds to the residual stream (OLMo 2, EXAONE 4).
    PostBranch,
    /// On the residual stream after each half (BERT).
    PostResidual,
}

/// The norms of a layer; those of a half that it lacks are `None`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerNorms {
    pub before_mixer: Option<NormSpec>,
    pub after_mixer: Option<NormSpec>,
    pub before_feed_forward: Option<NormSpec>,
    pub after_feed_forward: Option<NormSpec>,
    /// The `after` norms are applied to the residual stream and not to what is added to it.
    pub after_residual: bool,
}

impl LayerNorms {
    /// The same norm everywhere a placement has one.
    pub fn placed(placement: NormPlacement, norm: NormSpec) -> Self {
        let (pre, post) = match placement {
            NormPlacement::Pre => (Some(norm), None),
            NormPlacement::Sandwich => (Some(norm), Some(norm)),
            NormPlacement::PostBranch | NormPlacement::PostResidual => (None, Some(norm)),
        };
        Self {
            before_mixer: pre,
            after_mixer: post,
            before_feed_forward: pre,
            after_feed_forward: post,
            after_residual: placement == NormPlacement::PostResidual,
        }
    }
}
