use omg_kernels::{AttentionShape, PagedKv, Pairing, RopeTable, Rotations, attention, rotate};

use super::{CpuBackend, CpuRows};
use crate::backend::Attend;
use crate::batch::Batch;
use crate::error::Result;
use crate::spec::{Frequencies, RopeSpec};

pub(crate) struct CpuRope {
    table: RopeTable,
    pairing: Pairing,
}

pub(crate) struct CpuRotations {
    rotations: Rotations,
    pairing: Pairing,
}

impl Attend for CpuBackend {
    type Rope = CpuRope;
    type Rotations = CpuRotations;
    type Kv = PagedKv;

    fn load_rope(&self, spec: &RopeSpec, frequencies: Frequencies) -> Result<CpuRope> {
        let table = RopeTable::from_frequencies(frequencies.inverse, frequencies.magnitude)
            .with_offset(spec.offset);
        Ok(CpuRope {
            table,
            pairing: spec.pairing,
        })
    }

    fn new_kv(&self, shape: &AttentionShape, blocks: usize) -> Result<PagedKv> {
        Ok(PagedKv::new(
            blocks,
            shape.kv_heads,
            shape.k_dim,
            shape.v_dim,
        )?)
    }

    fn copy_block(&self, kv: &mut PagedKv, from: usize, to: usize) -> Result<()> {
        kv.copy_block(from, to);
        Ok(())
    }

    fn rotations(&self, rope: &CpuRope, positions: &[u32]) -> Result<CpuRotations> {
        Ok(CpuRotations {
            rotations: rope.table.rotations(positions),
            pairing: rope.pairing,
        })
    }

    fn rotate(&self, by: &CpuRotations, x: &mut CpuRows, head_dim: usize) -> Result<()> {
        let heads = x.width / head_dim;
        rotate(
            &self.pool,
            &mut x.data,
            &by.rotations,
            heads,
            head_dim,
            by.pairing,
        );
        Ok(())
    }

    fn attention(
        &self,
        shape: &AttentionShape,
        kv: &mut PagedKv,
        step: &Batch<'_>,
        query: &CpuRows,
        new: Option<(&CpuRows, &CpuRows)>,
        out: &mut CpuRows,
    ) -> Result<()> {
        if let Some((key, value)) = new {
            for seq in step.seqs {
                let rows = |all: &CpuRows| seq.rows.start * all.width..seq.rows.end * all.width;
                let (key, value) = (&key.data[rows(key)], &value.data[rows(value)]);
                kv.write(&self.pool, seq.block_table, seq.first_position, key, value);
            }
        }
        let out = out.shape(query.rows(), shape.heads * shape.v_dim);
        attention(&self.pool, shape, &query.data, kv, step.seqs, out);
        Ok(())
    }
}
