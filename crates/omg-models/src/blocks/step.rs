use crate::backend::Backend;
use crate::batch::Batch;

/// What all layers of a step share.
pub(crate) struct Step<'a, B: Backend> {
    pub(crate) batch: &'a Batch<'a>,
    /// The turns of the model's ropes for the positions of the batch, by the number of the rope.
    pub(crate) rotations: Vec<B::Rotations>,
}
