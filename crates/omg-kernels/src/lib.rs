//! The CPU's hot loops: quantised and float matrix products, attention over a paged cache, norms, rotary embedding,
//! activations, and what a sampler asks of logits. Slices in, slices out.
//!
//! Every kernel is written once, over 16 lanes, and compiled for each instruction set ([`Isa`]); which one runs is a
//! property of the [`Pool`]. Every output is computed in the same order of operations whatever the batch and the number
//! of threads, so a sequence gives the same bits alone or among others.

#![allow(
    clippy::needless_range_loop,
    reason = "a kernel's loops over rows and vectors index several arrays at once"
)]

mod activation;
mod aligned;
mod attention;
mod cores;
mod error;
mod experts;
mod float;
mod isa;
mod logits;
mod matrix;
mod norm;
mod pool;
mod product;
mod quant;
mod recurrent;
mod rope;
mod rows;
mod scratch;
mod shared;
mod simd;

pub use activation::{Activation, activate, add, add_bias, add_scaled, gated, scale, softcap};
pub use attention::{AttentionShape, BLOCK_TOKENS, Mask, PagedKv, Seq, attention};
pub use error::{Error, Result};
pub use experts::{ExpertMatrix, ExpertMatrixBuilder, Experts, Routes, experts};
pub use isa::Isa;
pub use logits::{argmax, log_sum_exp, softmax, top_k};
pub use matrix::{Matrix, MatrixBuilder};
pub use norm::{add_rms_norm, layer_norm, rms_norm, rms_norm_in_place};
pub use pool::Pool;
pub use product::{Product, multiply};
pub use recurrent::{
    ConvWeights, Recurrence, RecurrenceShape, States, StepGates, convolve, recur, rms_norm_groups,
    unit_heads,
};
pub use rope::{Pairing, RopeTable, Rotations, rope, rotate};
