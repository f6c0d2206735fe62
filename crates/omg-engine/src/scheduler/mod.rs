//! Which tokens are computed when, and on which blocks.

mod answer;
mod core;
mod sequence;
mod worker;

pub(crate) use answer::Answer;
pub(crate) use core::{Core, Limits, MAX_CHUNK};
pub(crate) use sequence::Job;
pub(crate) use worker::{Pooling, Worker};

#[cfg(test)]
pub(crate) mod mock;
#[cfg(test)]
mod tests;
