//! What a decoder needs to know about a model, as data. Families write it, blocks read it.

mod attention;
mod encoder;
mod feed_forward;
mod memory;
mod model;
mod norm;
mod rope;

pub use attention::{AttentionBias, AttentionSpec, QkNorm, QkNormScope};
pub(crate) use encoder::UNUSED;
pub use encoder::{
    ENCODER_STEP_TOKENS, EncoderLayerSpec, EncoderOutput, EncoderSpec, LearnedPositions, Pooling,
    PoolingSpec,
};
pub use feed_forward::{FeedForward, GatedSpec, PlainSpec};
pub use memory::{kv_bytes_per_token, scratch_bytes, weight_bytes_estimate};
pub use model::{HeadSpec, LayerNorms, LayerSpec, Mixer, ModelSpec};
pub use norm::{NormKind, NormSpec};
pub use rope::{Frequencies, RopeFactors, RopeScaling, RopeSpec};
