use omg_format::DType;
use omg_kernels::{ExpertMatrix, Matrix, Routes};

use super::{CpuBackend, CpuRows};
use crate::backend::{ExpertLayer, Experts};
use crate::error::Result;
use crate::weights::ExpertRows;

impl Experts for CpuBackend {
    type ExpertMatrix = ExpertMatrix;

    fn load_experts(&self, rows: &ExpertRows<'_>) -> Result<ExpertMatrix> {
        let shape = rows.shape;
        // Types that no kernel multiplies become floats.
        let known = Matrix::supports(rows.dtype);
        let dtype = if known { rows.dtype } else { DType::F16 };
        let mut builder = ExpertMatrix::builder(dtype, shape.experts, shape.rows, shape.cols)?;
        for expert in 0..shape.experts {
            let mut bytes = rows.read(expert)?;
            if !known {
                let mut values = vec![0.0; shape.rows * shape.cols];
                omg_format::dequantize(rows.dtype, &bytes, &mut values)?;
                bytes = omg_format::quantize(dtype, &values)?;
            }
            builder.push_rows(&bytes, &self.pool)?;
        }
        Ok(builder.finish()?)
    }

    fn expert_bytes(&self, matrix: &ExpertMatrix) -> usize {
        matrix.byte_size()
    }

    fn experts(
        &self,
        layer: &ExpertLayer<Self>,
        routes: &Routes,
        x: &CpuRows,
        out: &mut CpuRows,
    ) -> Result<()> {
        let layer = omg_kernels::Experts {
            gate: layer.gate.as_ref(),
            up: &layer.up,
            down: &layer.down,
            gate_bias: layer.gate_bias.as_deref(),
            up_bias: layer.up_bias.as_deref(),
            down_bias: layer.down_bias.as_deref(),
            activation: layer.activation,
            weight_on_input: layer.weight_on_input,
        };
        let out = out.shape(x.rows(), x.width);
        omg_kernels::experts(&self.pool, &layer, routes, &x.data, out);
        Ok(())
    }
}
