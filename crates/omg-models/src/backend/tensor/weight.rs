use std::borrow::Cow;

use candle_core::quantized::{GgmlDType, QMatMul, QStorage, QTensor};
use candle_core::{DType, Device, Module, Tensor};
use omg_format::DType as FileDType;

use crate::error::Result;
use crate::weights::MatrixRows;

/// A matrix `[rows, cols]` on a device, in the type of the file where Candle computes with it.
pub(crate) enum Weight {
    Plain(Tensor),
    Quantised(QMatMul, usize),
}

impl Weight {
    pub(crate) fn load(rows: &MatrixRows<'_>, device: &Device) -> Result<Self> {
        let bytes = rows.read(0..rows.rows())?;
        Self::from_bytes(rows.dtype(), (rows.rows(), rows.cols()), bytes, device)
    }

    /// From the bytes of a file, `shape` in rows and columns.
    pub(crate) fn from_bytes(
        dtype: FileDType,
        shape: (usize, usize),
        bytes: Vec<u8>,
        device: &Device,
    ) -> Result<Self> {
        if let Some(dtype) = quantised(dtype) {
            let size = bytes.len();
            let storage = QStorage::from_data(Cow::Owned(bytes), device, dtype)?;
            return Ok(Self::Quantised(
                QMatMul::from_qtensor(QTensor::new(storage, shape)?)?,
                size,
            ));
        }
        let plain = match dtype {
            FileDType::F32 => Some(DType::F32),
            FileDType::F16 => Some(DType::F16),
            FileDType::BF16 => Some(DType::BF16),
            _ => None,
        };
        let tensor = match plain {
            Some(dtype) => Tensor::from_raw_buffer(&bytes, dtype, &[shape.0, shape.1], device)?,
            None => {
                let mut values = vec![0f32; shape.0 * shape.1];
                omg_format::dequantize(dtype, &bytes, &mut values)?;
                Tensor::from_vec(values, shape, device)?
            }
        };
        // Candle's half-precision products on the CPU round every partial sum.
        let tensor = if device.is_cpu() {
            tensor.to_dtype(DType::F32)?
        } else {
            tensor
        };
        Ok(Self::Plain(tensor))
    }

    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Plain(tensor) => tensor.elem_count() * tensor.dtype().size_in_bytes(),
            Self::Quantised(_, bytes) => *bytes,
        }
    }

    /// `x [n, cols]` to `[n, rows]`, f32.
    pub(crate) fn matmul(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Plain(weight) => {
                let product = x.to_dtype(weight.dtype())?.matmul(&weight.t()?)?;
                Ok(product.to_dtype(DType::F32)?)
            }
            Self::Quantised(weight, _) => Ok(weight.forward(&x.contiguous()?)?),
        }
    }

    /// The rows named by `ids`, f32.
    pub(crate) fn embedding(&self, ids: &Tensor) -> Result<Tensor> {
        let rows = match self {
            Self::Plain(weight) => weight.index_select(ids, 0)?,
            Self::Quantised(weight, _) => weight.embedding(ids)?,
        };
        Ok(rows.to_dtype(DType::F32)?)
    }
}

fn quantised(dtype: FileDType) -> Option<GgmlDType> {
    Some(match dtype {
        FileDType::Q4_0 => GgmlDType::Q4_0,
        FileDType::Q4_1 => GgmlDType::Q4_1,
        FileDType::Q5_0 => GgmlDType::Q5_0,
        FileDType::Q5_1 => GgmlDType::Q5_1,
        FileDType::Q8_0 => GgmlDType::Q8_0,
        FileDType::Q2_K => GgmlDType::Q2K,
        FileDType::Q3_K => GgmlDType::Q3K,
        FileDType::Q4_K => GgmlDType::Q4K,
        FileDType::Q5_K => GgmlDType::Q5K,
        FileDType::Q6_K => GgmlDType::Q6K,
        _ => return None,
    })
}
