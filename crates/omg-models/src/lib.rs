//! Model families as data, weights from any supported file, and one decoder that runs them.

mod architecture;
mod backend;
mod batch;
mod blocks;
mod config;
mod decoder;
mod device;
mod encoder;

mod error;
mod families;
mod model;
pub mod spec;
mod stack;
mod text_encoder;
mod weights;

pub use architecture::{
    Architecture, DecoderModel, Description, Needs, Outline, Output, Served, Stage, describe,
};
pub use batch::{Batch, EncoderText, Seq};
pub use config::pooling_of;
pub use device::DeviceChoice;
pub use encoder::Encoder;
pub use error::{Error, Result};
pub use families::{encoder_of, spec_of, supported};
pub use model::{KvCache, Model};
pub use spec::{
    ENCODER_STEP_TOKENS, EncoderOutput, EncoderSpec, ModelSpec, Pooling, PoolingSpec,
    kv_bytes_per_token, scratch_bytes, state_bytes_per_sequence, weight_bytes_estimate,
};
pub use weights::{Name, Role, TensorNames, Transform, Transforms, check_weight_types};
