use crate::pool::Pool;
use crate::rows::{each_row, each_row_in_place};
use crate::simd::{Kernel, Simd};

/// `y` = `x` / sqrt(mean(x²) + eps) · weight for each of the `n` rows. `x` and `y` are [n, weight.len()].
pub fn rms_norm(pool: &Pool, x: &[f32], weight: &[f32], eps: f32, n: usize, y: &mut [f32]) {
    assert_eq!(x.len(), n * weight.len());
    each_row(pool, weight.len(), y, &|row, y| {
        y.copy_from_slice(&x[row * weight.len()..][..weight.len()]);
        pool.isa().run(Rms {
            row: y,
            weight,
            eps,
        });
    });
}

/// As [`rms_norm`], in place; `x` is any number of rows of `weight.len()`: also the heads of a query or key.
pub fn rms_norm_in_place(pool: &Pool, x: &mut [f32], weight: &[f32], eps: f32) {
    each_row_in_place(pool, weight.len(), x, &|row| {
        pool.isa().run(Rms { row, weight, eps });
    });
}

/// `residual` += `delta`, then `y` = rms_norm(residual): the step between two halves of a block. All are [n, weight.len()].
pub fn add_rms_norm(
    pool: &Pool,
    residual: &mut [f32],
    delta: &[f32],
    weight: &[f32],
    eps: f32,
    n: usize,
    y: &mut [f32],
) {
    let dim = weight.len();
    assert!(residual.len() == n * dim && delta.len() == n * dim);
    let residual = crate::shared::SharedMut::new(residual);
    each_row(pool, dim, y, &|row, y| {
        // SAFETY: each row is worked on by one worker.
        let residual = unsafe { residual.slice(row * dim, dim) };
        for (r, d) in residual.iter_mut().zip(&delta[row * dim..][..dim]) {
            *r += d;
        }
        y.copy_from_slice(residual);
        pool.isa().run(Rms {
            row: y,
            weight,
            eps,
        });
    });
}

/// `y` = (x - mean) / sqrt(variance + eps) · weight + bias for each of the `n` rows; an empty `bias` is none.
pub fn layer_norm(
    pool: &Pool,
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    eps: f32,
    n: usize,
    y: &mut [f32],
) {
    let dim = weight.len();
    assert!(x.len() == n * dim && (bias.is_empty() || bias.len() == dim));
    each_row(pool, dim, y, &|row, y| {
        y.copy_from_slice(&x[row * dim..][..dim]);
        pool.isa().run(Layer {
            row: y,
            weight,
            bias,
            eps,
        });
    });
}

/// Sum of `f(x)` in an order that depends on the length alone.
#[inline(always)]
fn sum_of<S: Simd>(s: S, x: &[f32], f: impl Fn(S::F) -> S::F) -> f32 {
    let mut sums = [s.splat(0.0); 2];
    let mut pairs = x.chunks_exact(32);
    for pair in &mut pairs {
        for (half, sum) in sums.iter_mut().enumerate() {
            // SAFETY: 16 of 32 floats.
            *sum = s.add(*sum, f(unsafe { s.load(pair.as_ptr().add(half * 16)) }));
        }
    }
    for rest in pairs.remainder().chunks(16) {
        let mut lanes = [0.0; 16];
        lanes[..rest.len()].copy_from_slice(rest);
        // SAFETY: 16 floats.
        let values = s.to_array(f(unsafe { s.load(lanes.as_ptr()) }));
        lanes = [0.0; 16];
        lanes[..rest.len()].copy_from_slice(&values[..rest.len()]);
        // SAFETY: 16 floats.
        sums[0] = s.add(sums[0], unsafe { s.load(lanes.as_ptr()) });
    }
    s.sum(s.add(sums[0], sums[1]))
}

struct Rms<'a> {
    row: &'a mut [f32],
    weight: &'a [f32],
    eps: f32,
}

impl Kernel for Rms<'_> {
    type Out = ();
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let mean = sum_of(s, self.row, |x| s.mul(x, x)) / self.row.len() as f32;
        let factor = 1.0 / (mean + self.eps).sqrt();
        for (x, w) in self.row.iter_mut().zip(self.weight) {
            *x = *x * factor * w;
        }
    }
}

struct Layer<'a> {
    row: &'a mut [f32],
    weight: &'a [f32],
    bias: &'a [f32],
    eps: f32,
}

impl Kernel for Layer<'_> {
    type Out = ();
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let count = self.row.len() as f32;
        let mean = sum_of(s, self.row, |x| x) / count;
        let variance = sum_of(s, self.row, |x| {
            let centred = s.sub(x, s.splat(mean));
            s.mul(centred, centred)
        }) / count;
        let factor = 1.0 / (variance + self.eps).sqrt();
        for (x, w) in self.row.iter_mut().zip(self.weight) {
            *x = (*x - mean) * factor * w;
        }
        if !self.bias.is_empty() {
            for (x, b) in self.row.iter_mut().zip(self.bias) {
                *x += b;
            }
        }
    }
}
