//! Operations in Candle tensors, on any backend: what those without a kernel run.

mod elementwise;
mod recur;

pub(crate) use elementwise::{accumulate, columns, scale, scale_rows};
pub(crate) use recur::{multiply, norm_groups, step_gates, unit_heads};
