use crate::backend::Backend;

/// Buffers of one step, shared by all layers and kept between steps.
pub(crate) struct Scratch<B: Backend> {
    /// The residual stream.
    pub(crate) x: B::Rows,
    /// What the next block reads.
    pub(crate) normed: B::Rows,
    /// What a block gives back.
    pub(crate) branch: B::Rows,
    /// What the mixer before gave back, where a layer has two.
    pub(crate) beside: B::Rows,
    pub(crate) query: B::Rows,
    pub(crate) key: B::Rows,
    pub(crate) value: B::Rows,
    pub(crate) mixed: B::Rows,
    pub(crate) gate: B::Rows,
    pub(crate) up: B::Rows,
    /// What layers are given of each token.
    pub(crate) per_layer: B::Rows,
}

impl<B: Backend> Scratch<B> {
    pub(crate) fn new(backend: &B) -> crate::Result<Self> {
        let rows = || backend.new_rows();
        Ok(Self {
            x: rows()?,
            normed: rows()?,
            branch: rows()?,
            beside: rows()?,
            query: rows()?,
            key: rows()?,
            value: rows()?,
            mixed: rows()?,
            gate: rows()?,
            up: rows()?,
            per_layer: rows()?,
        })
    }
}
