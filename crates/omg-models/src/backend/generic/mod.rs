//! Operations in Candle tensors, on any backend: what those without a kernel run.

mod elementwise;

pub(crate) use elementwise::{accumulate, columns, scale, scale_rows};
