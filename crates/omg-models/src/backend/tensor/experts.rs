use candle_core::{Device, Tensor};
use omg_kernels::Routes;

use super::weight::Weight;
use super::{Storage, TensorBackend};
use crate::backend::{Dense, ExpertLayer, Experts};
use crate::error::Result;
use crate::weights::ExpertRows;

impl Experts for TensorBackend {
    type ExpertMatrix = Vec<Weight>;

    fn load_experts(&self, rows: &ExpertRows<'_>) -> Result<Vec<Weight>> {
        let shape = (rows.shape.rows, rows.shape.cols);
        let expert =
            |expert| Weight::from_bytes(rows.dtype, shape, rows.read(expert)?, &self.device);
        (0..rows.shape.experts).map(expert).collect()
    }

    fn expert_bytes(&self, matrix: &Vec<Weight>) -> usize {
        matrix.iter().map(Weight::bytes).sum()
    }

    fn experts(
        &self,
        layer: &ExpertLayer<Self>,
        routes: &Routes,
        x: &Tensor,
        out: &mut Tensor,
    ) -> Result<()> {
        let mut sum = x.zeros_like()?;
        for expert in 0..layer.up.len() {
            let (rows, weights) = rows_of(routes, expert, x.device())?;
            if rows.elem_count() == 0 {
                continue;
            }
            let mut input = x.index_select(&rows, 0)?;
            if layer.weight_on_input {
                input = input.broadcast_mul(&weights)?;
            }
            let up = project(&layer.up, layer.up_bias.as_ref(), expert, &input)?;
            let mut mixed = up.clone();
            match &layer.gate {
                Some(gate) => {
                    let gate = project(gate, layer.gate_bias.as_ref(), expert, &input)?;
                    self.gated(layer.activation, &gate, &up, &mut mixed)?;
                }
                None => self.activate(layer.activation, &mut mixed)?,
            }
            let mut result = project(&layer.down, layer.down_bias.as_ref(), expert, &mixed)?;
            if !layer.weight_on_input {
                result = result.broadcast_mul(&weights)?;
            }
            sum = sum.index_add(&rows, &result, 0)?;
        }
        self.put_tensor(sum, out)
    }
}

/// The rows that go through an expert, and their weights `[rows, 1]`.
fn rows_of(routes: &Routes, expert: usize, device: &Device) -> Result<(Tensor, Tensor)> {
    let routed = routes.experts.iter().enumerate();
    let chosen = routed.filter(|(_, of)| **of as usize == expert);
    let (rows, weights): (Vec<u32>, Vec<f32>) = chosen
        .map(|(at, _)| ((at / routes.used) as u32, routes.weights[at]))
        .unzip();
    let count = rows.len();
    Ok((
        Tensor::from_vec(rows, count, device)?,
        Tensor::from_vec(weights, (count, 1), device)?,
    ))
}

fn project(
    matrix: &[Weight],
    biases: Option<&Tensor>,
    expert: usize,
    x: &Tensor,
) -> Result<Tensor> {
    let y = matrix[expert].matmul(x)?;
    let Some(biases) = biases else { return Ok(y) };
    let outputs = y.dim(1)?;
    Ok(y.broadcast_add(&biases.narrow(0, expert * outputs, outputs)?)?)
}
