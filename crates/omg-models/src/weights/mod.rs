//! One source of weights for GGUF and safetensors, quantised or not.

mod names;
mod source;

pub use names::{Name, Role, TensorNames};
pub use source::check_weight_types;
pub(crate) use source::{Fused, MatrixRows, WeightSource, needed};
