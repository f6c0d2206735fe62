use omg_kernels::{
    Activation, Matrix, Product, activate, add_bias, add_rms_norm, gated, layer_norm, multiply,
    rms_norm, rms_norm_in_place,
};

use super::{CpuBackend, CpuRows};
use crate::backend::{Dense, Linear, Norm};
use crate::error::Result;
use crate::spec::NormKind;

impl Dense for CpuBackend {
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

    fn accumulate(&self, x: &mut CpuRows, y: &CpuRows, scale: f32) -> Result<()> {
        omg_kernels::add_scaled(&self.pool, &mut x.data, &y.data, scale);
        Ok(())
    }

    fn scale(&self, x: &mut CpuRows, factor: f32) -> Result<()> {
        omg_kernels::scale(&self.pool, &mut x.data, factor);
        Ok(())
    }

    fn columns(&self, x: &CpuRows, start: usize, width: usize, out: &mut CpuRows) -> Result<()> {
        let rows = out.shape(x.rows(), width).chunks_exact_mut(width);
        for (row, out) in x.data.chunks_exact(x.width).zip(rows) {
            out.copy_from_slice(&row[start..start + width]);
        }
        Ok(())
    }

    fn scale_rows(&self, x: &mut CpuRows, factors: &[f32]) -> Result<()> {
        for (row, factor) in x.data.chunks_exact_mut(x.width.max(1)).zip(factors) {
            row.iter_mut().for_each(|value| *value *= factor);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use omg_kernels::Pool;

    use super::*;
    use crate::backend::{Storage, generic};

    fn rows(backend: &CpuBackend) -> CpuRows {
        let mut rows = backend.new_rows().expect("rows");
        let values = (0..12).map(|at| (at as f32 * 0.7).sin());
        rows.shape(3, 4)
            .copy_from_slice(&values.collect::<Vec<_>>());
        rows
    }

    #[test]
    fn the_kernels_agree_with_the_operations_that_they_replace() {
        let backend = CpuBackend::new(Pool::new(1));
        let y = rows(&backend);
        let check = |kernel: &dyn Fn(&mut CpuRows), default: &dyn Fn(&mut CpuRows)| {
            let (mut got, mut want) = (rows(&backend), rows(&backend));
            kernel(&mut got);
            default(&mut want);
            assert_eq!((got.width, got.data.len()), (want.width, want.data.len()));
            for (got, want) in got.data.iter().zip(&want.data) {
                assert!((got - want).abs() < 1e-6, "{got} for {want}");
            }
        };
        check(&|x| backend.accumulate(x, &y, 0.5).expect("a sum"), &|x| {
            generic::accumulate(&backend, x, &y, 0.5).expect("a sum");
        });
        check(&|x| backend.scale(x, -3.0).expect("a product"), &|x| {
            generic::scale(&backend, x, -3.0).expect("a product");
        });
        check(&|x| backend.columns(&y, 1, 2, x).expect("columns"), &|x| {
            generic::columns(&backend, &y, 1, 2, x).expect("columns");
        });
        let factors = [2.0, -1.0, 0.25];
        check(
            &|x| backend.scale_rows(x, &factors).expect("products"),
            &|x| generic::scale_rows(&backend, x, &factors).expect("products"),
        );
    }
}
