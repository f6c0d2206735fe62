//! The generic form of every operation, in Candle tensors on any device.

mod attend;
mod attention;
mod dense;
mod experts;
mod recur;
mod weight;

use candle_core::{DType, Device, Tensor};

use super::Storage;
use crate::error::Result;
use crate::weights::MatrixRows;

use weight::Weight;

pub(crate) struct TensorBackend {
    device: Device,
}

impl TensorBackend {
    pub(crate) fn new(device: Device) -> Self {
        Self { device }
    }
}

impl Storage for TensorBackend {
    type Rows = Tensor;
    type Matrix = Weight;
    type Vector = Tensor;

    fn load_matrix(&self, rows: &MatrixRows<'_>) -> Result<Weight> {
        Weight::load(rows, &self.device)
    }

    fn load_vector(&self, values: Vec<f32>) -> Result<Tensor> {
        let len = values.len();
        Ok(Tensor::from_vec(values, len, &self.device)?)
    }

    fn matrix_bytes(&self, matrix: &Weight) -> usize {
        matrix.bytes()
    }

    fn new_rows(&self) -> Result<Tensor> {
        Ok(Tensor::zeros((1, 1), DType::F32, &self.device)?)
    }

    fn to_host(&self, x: &Tensor) -> Result<Vec<f32>> {
        Ok(x.flatten_all()?.to_vec1()?)
    }

    fn to_tensor(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.clone())
    }

    fn put_tensor(&self, tensor: Tensor, out: &mut Tensor) -> Result<()> {
        *out = tensor;
        Ok(())
    }

    fn vector_tensor(&self, vector: &Tensor) -> Result<Tensor> {
        Ok(vector.clone())
    }
}
