//! Model families as data, weights from any supported file, and one decoder that runs them.

mod backend;
mod batch;
mod blocks;
mod decoder;
mod encoder;
mod encoder_stack;
mod error;
mod families;
mod model;
pub mod spec;
mod weights;

pub use batch::{Batch, Seq};
pub use encoder::{Encoder, EncoderText};
pub use error::{Error, Result};
pub use families::{encoder_of, pooling_of, spec_of, supported};
pub use model::{DeviceChoice, KvCache, Model};
pub use spec::{
    ENCODER_STEP_TOKENS, EncoderOutput, EncoderSpec, ModelSpec, Pooling, PoolingSpec,
    kv_bytes_per_token, scratch_bytes, weight_bytes_estimate,
};
pub use weights::{Name, Role, TensorNames};
