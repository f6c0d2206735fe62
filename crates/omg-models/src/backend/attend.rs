use omg_kernels::AttentionShape;

use super::Dense;
use crate::batch::Batch;
use crate::error::Result;
use crate::spec::{Frequencies, RopeSpec};

/// Attention over the tokens of each sequence, and the positions in it.
pub(crate) trait Attend: Dense {
    type Rope;
    /// The turns of one rope for the positions of one step.
    type Rotations;
    /// Keys and values of one layer.
    type Kv;

    fn load_rope(&self, spec: &RopeSpec, frequencies: Frequencies) -> Result<Self::Rope>;
    fn new_kv(&self, shape: &AttentionShape, blocks: usize) -> Result<Self::Kv>;
    fn copy_block(&self, kv: &mut Self::Kv, from: usize, to: usize) -> Result<()>;
    fn rotations(&self, rope: &Self::Rope, positions: &[u32]) -> Result<Self::Rotations>;
    /// Turns the heads of each row by its position, in place.
    fn rotate(&self, by: &Self::Rotations, x: &mut Self::Rows, head_dim: usize) -> Result<()>;
    /// Stores the new keys and values, if there are any, then attends to all of each sequence.
    fn attention(
        &self,
        shape: &AttentionShape,
        kv: &mut Self::Kv,
        step: &Batch<'_>,
        query: &Self::Rows,
        new: Option<(&Self::Rows, &Self::Rows)>,
        out: &mut Self::Rows,
    ) -> Result<()>;
}
