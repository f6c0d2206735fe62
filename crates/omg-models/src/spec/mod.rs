//! What a decoder needs to know about a model, as data. Families write it, blocks read it.

mod attention;
mod encoder;
mod experts;
mod feed_forward;
mod layer;
mod memory;
mod mixer;
mod model;
mod norm;
mod per_layer;
mod positions;
mod recurrent;
mod rope;

pub use attention::{
    AttentionBias, AttentionSpec, KeysValues, OutputGate, QkNorm, QkNormScope, Temperature,
};
pub(crate) use encoder::UNUSED;
pub use encoder::{ENCODER_STEP_TOKENS, EncoderOutput, EncoderSpec, Pooling, PoolingSpec};
pub use experts::{ExpertLayout, ExpertsSpec, GroupScore, Groups, RouterSpec, Score, SharedSpec};
pub use feed_forward::{FeedForward, GatedSpec, PlainSpec};
pub use layer::{Halves, LayerNorms, LayerSpec, NormPlacement};
pub use memory::{
    kv_bytes_per_token, scratch_bytes, state_bytes_per_sequence, weight_bytes_estimate,
};
pub use mixer::{CacheNeed, Mixer};
pub use model::{HeadSpec, ModelSpec};
pub use norm::{NormKind, NormSpec};
pub use per_layer::{PerLayerSpec, PerLayerTable};
pub use positions::LearnedPositions;
pub(crate) use recurrent::StateShape;
pub use recurrent::{DeltaNetSpec, Mamba2Spec, ShortConvSpec};
pub use rope::{Frequencies, RopeFactors, RopeScaling, RopeSpec};
