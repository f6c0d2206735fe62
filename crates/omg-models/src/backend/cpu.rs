//! The kernels of `omg-kernels` on plain buffers.

use omg_format::DType;
use omg_kernels::{
    Activation, AttentionShape, Matrix, PagedKv, Pairing, Pool, Product, RopeTable, Rotations,
    activate, add_bias, add_rms_norm, attention, gated, layer_norm, multiply, rms_norm,
    rms_norm_in_place, rotate,
};

use super::{Backend, Linear, Norm};
use crate::batch::Batch;
use crate::error::Result;
use crate::spec::{Frequencies, NormKind, RopeSpec};
use crate::weights::MatrixRows;

/// Bytes of a matrix read at once while loading.
const LOAD_CHUNK: usize = 8 << 20;

pub(crate) struct CpuBackend {
    pool: Pool,
}

/// `[n, width]`; the buffer keeps its memory when it takes another shape.
#[derive(Default)]
pub(crate) struct CpuRows {
    data: Vec<f32>,
    width: usize,
}

pub(crate) struct CpuRope {
    table: RopeTable,
    pairing: Pairing,
}

pub(crate) struct CpuRotations {
    rotations: Rotations,
    pairing: Pairing,
}

impl CpuBackend {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }
}

impl CpuRows {
    fn rows(&self) -> usize {
        self.data.len() / self.width.max(1)
    }

    /// Takes the shape `[n, width]`; what is in it then is not defined.
    fn shape(&mut self, n: usize, width: usize) -> &mut [f32] {
        self.width = width;
        self.data.resize(n * width, 0.0);
        &mut self.data
    }
}

impl Backend for CpuBackend {
    type Rows = CpuRows;
    type Matrix = Matrix;
    type Vector = Vec<f32>;
    type Rope = CpuRope;
    type Rotations = CpuRotations;
    type Kv = PagedKv;

    fn load_matrix(&self, rows: &MatrixRows<'_>) -> Result<Matrix> {
        if !Matrix::supports(rows.dtype()) {
            return self.load_as_floats(rows);
        }
        let mut builder = Matrix::builder(rows.dtype(), rows.rows(), rows.cols())?;
        for range in rows.chunks(LOAD_CHUNK)? {
            builder.push_rows(&rows.read(range)?, &self.pool)?;
        }
        Ok(builder.finish()?)
    }

    fn load_vector(&self, values: Vec<f32>) -> Result<Vec<f32>> {
        Ok(values)
    }

    fn load_rope(&self, spec: &RopeSpec, frequencies: Frequencies) -> Result<CpuRope> {
        let table = RopeTable::from_frequencies(frequencies.inverse, frequencies.magnitude);
        Ok(CpuRope {
            table,
            pairing: spec.pairing,
        })
    }

    fn matrix_bytes(&self, matrix: &Matrix) -> usize {
        matrix.byte_size()
    }

    fn new_rows(&self) -> Result<CpuRows> {
        Ok(CpuRows::default())
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

    fn embed(&self, table: &Matrix, tokens: &[u32], scale: f32, out: &mut CpuRows) -> Result<()> {
        let width = table.cols();
        let out = out.shape(tokens.len(), width);
        for (token, row) in tokens.iter().zip(out.chunks_exact_mut(width)) {
            table.row(*token as usize, row);
        }
        if scale != 1.0 {
            omg_kernels::scale(&self.pool, out, scale);
        }
        Ok(())
    }

    fn rotations(&self, rope: &CpuRope, positions: &[u32]) -> Result<CpuRotations> {
        Ok(CpuRotations {
            rotations: rope.table.rotations(positions),
            pairing: rope.pairing,
        })
    }

    fn norm(&self, norm: &Norm<Self>, x: &CpuRows, out: &mut CpuRows) -> Result<()> {
        let n = x.rows();
        let out = out.shape(n, x.width);
        match norm.spec.kind {
            NormKind::Rms => rms_norm(&self.pool, &x.data, &norm.weight, norm.spec.eps, n, out),
            NormKind::Layer => {
                let bias = norm.bias.as_deref().unwrap_or_default();
                layer_norm(
                    &self.pool,
                    &x.data,
                    &norm.weight,
                    bias,
                    norm.spec.eps,
                    n,
                    out,
                );
            }
        }
        Ok(())
    }

    fn norm_heads(&self, norm: &Norm<Self>, x: &mut CpuRows) -> Result<()> {
        match norm.spec.kind {
            NormKind::Rms => {
                rms_norm_in_place(&self.pool, &mut x.data, &norm.weight, norm.spec.eps);
            }
            NormKind::Layer => {
                let (n, bias) = (
                    x.data.len() / norm.weight.len(),
                    norm.bias.as_deref().unwrap_or_default(),
                );
                let before = x.data.clone();
                layer_norm(
                    &self.pool,
                    &before,
                    &norm.weight,
                    bias,
                    norm.spec.eps,
                    n,
                    &mut x.data,
                );
            }
        }
        Ok(())
    }

    fn copy(&self, x: &CpuRows, out: &mut CpuRows) -> Result<()> {
        out.shape(x.rows(), x.width).copy_from_slice(&x.data);
        Ok(())
    }

    fn add(
        &self,
        x: &mut CpuRows,
        branch: &CpuRows,
        scale: f32,
        norm: Option<&Norm<Self>>,
        out: &mut CpuRows,
    ) -> Result<()> {
        if let Some(norm) = norm.filter(|norm| norm.spec.kind == NormKind::Rms && scale == 1.0) {
            let (n, width) = (x.rows(), x.width);
            let out = out.shape(n, width);
            add_rms_norm(
                &self.pool,
                &mut x.data,
                &branch.data,
                &norm.weight,
                norm.spec.eps,
                n,
                out,
            );
            return Ok(());
        }
        omg_kernels::add_scaled(&self.pool, &mut x.data, &branch.data, scale);
        match norm {
            Some(norm) => self.norm(norm, x, out),
            None => self.copy(x, out),
        }
    }

    fn project<const N: usize>(
        &self,
        linears: [&Linear<Self>; N],
        x: &CpuRows,
        mut outs: [&mut CpuRows; N],
    ) -> Result<()> {
        let n = x.rows();
        let mut products: Vec<Product<'_>> = linears
            .iter()
            .zip(&mut outs)
            .map(|(linear, out)| Product {
                matrix: &linear.matrix,
                x: &x.data,
                y: out.shape(n, linear.matrix.rows()),
            })
            .collect();
        multiply(&self.pool, &mut products);
        for (linear, out) in linears.iter().zip(outs) {
            if let Some(bias) = &linear.bias {
                add_bias(&self.pool, &mut out.data, bias);
            }
        }
        Ok(())
    }

    fn logits(&self, matrix: &Matrix, bias: Option<&Vec<f32>>, x: &CpuRows) -> Result<Vec<f32>> {
        let n = x.rows();
        let mut logits = vec![0.0; n * matrix.rows()];
        matrix.matmul(&self.pool, &x.data, n, &mut logits);
        if let Some(bias) = bias {
            add_bias(&self.pool, &mut logits, bias);
        }
        Ok(logits)
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
        key: &CpuRows,
        value: &CpuRows,
        out: &mut CpuRows,
    ) -> Result<()> {
        for seq in step.seqs {
            let rows = |all: &CpuRows| seq.rows.start * all.width..seq.rows.end * all.width;
            let (key, value) = (&key.data[rows(key)], &value.data[rows(value)]);
            kv.write(&self.pool, seq.block_table, seq.first_position, key, value);
        }
        let out = out.shape(query.rows(), shape.heads * shape.v_dim);
        attention(&self.pool, shape, &query.data, kv, step.seqs, out);
        Ok(())
    }

    fn gated(
        &self,
        activation: Activation,
        gate: &CpuRows,
        up: &CpuRows,
        out: &mut CpuRows,
    ) -> Result<()> {
        gated(
            &self.pool,
            activation,
            &gate.data,
            &up.data,
            out.shape(gate.rows(), gate.width),
        );
        Ok(())
    }

    fn activate(&self, activation: Activation, x: &mut CpuRows) -> Result<()> {
        activate(&self.pool, activation, &mut x.data);
        Ok(())
    }

    fn select(&self, x: &mut CpuRows, rows: &[usize]) -> Result<()> {
        if !rows.iter().copied().eq(0..x.rows()) {
            x.data = rows
                .iter()
                .flat_map(|row| &x.data[row * x.width..(row + 1) * x.width])
                .copied()
                .collect();
        }
        Ok(())
    }

    fn to_host(&self, x: &CpuRows) -> Result<Vec<f32>> {
        Ok(x.data.clone())
    }
}

impl CpuBackend {
    /// For the rare types that files may hold and no kernel multiplies: half as large as floats, and as precise as they are.
    fn load_as_floats(&self, rows: &MatrixRows<'_>) -> Result<Matrix> {
        let mut builder = Matrix::builder(DType::F16, rows.rows(), rows.cols())?;
        for range in rows.chunks(LOAD_CHUNK)? {
            let mut values = vec![0.0; range.len() * rows.cols()];
            omg_format::dequantize(rows.dtype(), &rows.read(range)?, &mut values)?;
            builder.push_rows(&omg_format::quantize(DType::F16, &values)?, &self.pool)?;
        }
        Ok(builder.finish()?)
    }
}
