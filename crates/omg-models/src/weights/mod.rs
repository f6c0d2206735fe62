//! One source of weights for GGUF and safetensors, quantised or not.

mod experts;
mod matrix_rows;
mod names;
mod role;
mod row_order;
mod source;
mod transform;

pub(crate) use experts::{ExpertPart, ExpertRows, ExpertShape, has_experts, stored_expert_width};
pub(crate) use matrix_rows::MatrixRows;
pub use names::{Name, TensorNames};
pub use role::Role;
pub(crate) use row_order::RowOrder;
pub use source::check_weight_types;
pub(crate) use source::{WeightSource, needed};
pub use transform::{Transform, Transforms};
