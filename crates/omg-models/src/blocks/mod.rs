//! The parts of a decoder, each once, over any backend.

mod attention;
mod feed_forward;
mod head;
mod norm;
mod rope;

use crate::backend::Backend;

pub(crate) use attention::Attention;
pub(crate) use feed_forward::FeedForwardBlock;
pub(crate) use head::Head;
pub(crate) use norm::load_norm;
pub(crate) use rope::Ropes;

/// Buffers of one step, shared by all layers and kept between steps.
pub(crate) struct Scratch<B: Backend> {
    /// The residual stream.
    pub(crate) x: B::Rows,
    /// What the next block reads.
    pub(crate) normed: B::Rows,
    /// What a block gives back.
    pub(crate) branch: B::Rows,
    pub(crate) query: B::Rows,
    pub(crate) key: B::Rows,
    pub(crate) value: B::Rows,
    pub(crate) mixed: B::Rows,
    pub(crate) gate: B::Rows,
    pub(crate) up: B::Rows,
}

impl<B: Backend> Scratch<B> {
    pub(crate) fn new(backend: &B) -> crate::Result<Self> {
        let rows = || backend.new_rows();
        Ok(Self {
            x: rows()?,
            normed: rows()?,
            branch: rows()?,
            query: rows()?,
            key: rows()?,
            value: rows()?,
            mixed: rows()?,
            gate: rows()?,
            up: rows()?,
        })
    }
}
