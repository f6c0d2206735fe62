//! What blocks compute with. Models and their blocks are written once over `Backend`, which has a trait per kind of
//! operation. An operation that has a form in Candle tensors by default (`generic/`) runs on every backend at once; the
//! kernels of `omg-kernels` take its place on the CPU when they exist.

mod attend;
mod cpu;
mod dense;
mod experts;
mod generic;
mod recur;
mod storage;
mod tensor;

pub(crate) use attend::Attend;
pub(crate) use cpu::CpuBackend;
pub(crate) use dense::{Dense, Linear, Norm};
pub(crate) use experts::{ExpertLayer, Experts};
pub(crate) use recur::{Recur, RecurInputs};
pub(crate) use storage::Storage;
pub(crate) use tensor::TensorBackend;

/// All that blocks ask for. A new kind of operation is a trait of its own, with a line here.
pub(crate) trait Backend: Dense + Attend + Experts + Recur {}

impl<B: Dense + Attend + Experts + Recur> Backend for B {}
