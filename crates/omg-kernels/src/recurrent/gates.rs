use std::ops::Range;

use crate::pool::Pool;
use crate::rows::each_row_in_place;
use crate::simd::Simd;
use crate::simd::scalar::Scalar;

/// How raw gates become the length of a step and the decay of a state in it.
#[derive(Clone, Debug)]
pub struct StepGates {
    /// [width]
    pub bias: Vec<f32>,
    /// [width], negative: `-exp(A_log)`.
    pub rate: Vec<f32>,
    /// The length of a step is kept between these.
    pub limits: (f32, f32),
}

impl StepGates {
    /// `x` = [n, width] becomes the lengths `softplus(x + bias)`, `decay` what is left after them: `exp(rate · length)`.
    pub fn apply(&self, x: &mut [f32], decay: &mut [f32]) {
        assert!(x.len() == decay.len() && self.bias.len() == self.rate.len());
        let width = self.bias.len().max(1);
        for (x, decay) in x.chunks_exact_mut(width).zip(decay.chunks_exact_mut(width)) {
            for (i, (x, decay)) in x.iter_mut().zip(decay).enumerate() {
                let raw = *x + self.bias[i];
                // Beyond 20 the difference from x is below the precision of f32.
                let length = if raw > 20.0 { raw } else { raw.exp().ln_1p() };
                *x = length.clamp(self.limits.0, self.limits.1);
                *decay = (*x * self.rate[i]).exp();
            }
        }
    }
}

/// Scales heads of `dim` elements to the length `scale`: x · scale / √(Σx² + eps), those in the columns `within` of each row
/// of `x` = [n, width].
pub fn unit_heads(
    pool: &Pool,
    x: &mut [f32],
    width: usize,
    within: Range<usize>,
    dim: usize,
    eps: f32,
    scale: f32,
) {
    assert!(dim > 0 && within.end <= width && within.len().is_multiple_of(dim));
    each_row_in_place(pool, width, x, &|row| {
        for head in row[within.clone()].chunks_exact_mut(dim) {
            let factor = scale / (squares(head) + eps).sqrt();
            head.iter_mut().for_each(|x| *x *= factor);
        }
    });
}

/// RMS norm of each run of `group` elements of the rows of `x` = [n, weight.len()] on its own, in place.
pub fn rms_norm_groups(pool: &Pool, x: &mut [f32], weight: &[f32], group: usize, eps: f32) {
    assert!(group > 0 && weight.len().is_multiple_of(group));
    each_row_in_place(pool, weight.len(), x, &|row| {
        for (x, weight) in row.chunks_exact_mut(group).zip(weight.chunks_exact(group)) {
            let factor = 1.0 / (squares(x) / group as f32 + eps).sqrt();
            for (x, w) in x.iter_mut().zip(weight) {
                *x = *x * factor * w;
            }
        }
    });
}

/// Sum of squares in an order that depends on the length alone.
fn squares(x: &[f32]) -> f32 {
    let mut sums = [0.0f32; 16];
    for part in x.chunks(16) {
        for (sum, x) in sums.iter_mut().zip(part) {
            *sum += x * x;
        }
    }
    Scalar.sum(sums)
}
