//! The kernels of `omg-kernels` on plain buffers.

mod attend;
mod dense;
mod experts;
mod recur;

use candle_core::{Device, Tensor};
use omg_format::DType;
use omg_kernels::{Matrix, Pool};

use super::Storage;
use crate::error::Result;
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

impl Storage for CpuBackend {
    type Rows = CpuRows;
    type Matrix = Matrix;
    type Vector = Vec<f32>;

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

    fn matrix_bytes(&self, matrix: &Matrix) -> usize {
        matrix.byte_size()
    }

    fn new_rows(&self) -> Result<CpuRows> {
        Ok(CpuRows::default())
    }

    fn to_host(&self, x: &CpuRows) -> Result<Vec<f32>> {
        Ok(x.data.clone())
    }

    fn to_tensor(&self, x: &CpuRows) -> Result<Tensor> {
        let shape = (x.rows(), x.width);
        Ok(Tensor::from_slice(&x.data, shape, &Device::Cpu)?)
    }

    fn put_tensor(&self, tensor: Tensor, out: &mut CpuRows) -> Result<()> {
        let (_, width) = tensor.dims2()?;
        out.width = width;
        out.data = tensor.flatten_all()?.to_vec1()?;
        Ok(())
    }

    fn vector_tensor(&self, vector: &Vec<f32>) -> Result<Tensor> {
        Ok(Tensor::new(vector.as_slice(), &Device::Cpu)?)
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
