//! What a sampler asks of a row of logits.

use crate::pool::Pool;
use crate::simd::{Kernel, Simd};

/// Index of the largest value, the first of equals; NaN is never chosen. 0 for an empty slice.
pub fn argmax(x: &[f32]) -> usize {
    let mut best = (0, f32::NEG_INFINITY);
    // Most chunks hold no new maximum, which a plain fold finds out quickly.
    for (chunk, values) in x.chunks(64).enumerate() {
        let top = values
            .iter()
            .fold(f32::NEG_INFINITY, |m, &v| if v > m { v } else { m });
        if top > best.1 {
            let at = values.iter().position(|&v| v == top).unwrap_or(0);
            best = (chunk * 64 + at, top);
        }
    }
    best.0
}

/// ln(sum of e^x); minus infinity for an empty slice. x minus this is the log-softmax.
pub fn log_sum_exp(pool: &Pool, x: &[f32]) -> f32 {
    let max = x
        .iter()
        .fold(f32::NEG_INFINITY, |m, &v| if v > m { v } else { m });
    if max == f32::NEG_INFINITY {
        max
    } else {
        max + pool.isa().run(SumExp { x, max }).ln()
    }
}

/// `x` = e^x / sum of e^x in place. Minus infinity gives 0; when all are, all stay 0.
pub fn softmax(pool: &Pool, x: &mut [f32]) {
    let max = x
        .iter()
        .fold(f32::NEG_INFINITY, |m, &v| if v > m { v } else { m });
    if max == f32::NEG_INFINITY {
        x.fill(0.0);
        return;
    }
    let sum = pool.isa().run(ExpInPlace { x, max });
    let factor = 1.0 / sum;
    x.iter_mut().for_each(|x| *x *= factor);
}

/// The `k` largest values with their indices, largest first, equals by index; NaN is left out.
pub fn top_k(x: &[f32], k: usize) -> Vec<(u32, f32)> {
    let before = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    let k = k.min(x.len());
    if k == 0 {
        return Vec::new();
    }
    let mut found: Vec<(u32, f32)> = Vec::with_capacity(2 * k + 64);
    let mut least = f32::NEG_INFINITY;
    let mut full = false;
    for (i, &value) in x.iter().enumerate() {
        // Later equals lose to earlier ones, so only larger values can enter once k are known.
        if value.is_nan() || (full && value <= least) {
            continue;
        }
        found.push((i as u32, value));
        if found.len() == 2 * k + 64 {
            found.select_nth_unstable_by(k - 1, before);
            found.truncate(k);
            least = found[k - 1].1;
            full = true;
        }
    }
    found.sort_unstable_by(before);
    found.truncate(k);
    found
}

struct SumExp<'a> {
    x: &'a [f32],
    max: f32,
}

impl Kernel for SumExp<'_> {
    type Out = f32;
    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> f32 {
        let mut sum = s.splat(0.0);
        for x in self.x.chunks(16) {
            sum = s.add(sum, exp_of(s, x, self.max));
        }
        s.sum(sum)
    }
}

struct ExpInPlace<'a> {
    x: &'a mut [f32],
    max: f32,
}

impl Kernel for ExpInPlace<'_> {
    type Out = f32;
    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> f32 {
        let mut sum = s.splat(0.0);
        for x in self.x.chunks_mut(16) {
            let y = exp_of(s, x, self.max);
            sum = s.add(sum, y);
            let len = x.len();
            x.copy_from_slice(&s.to_array(y)[..len]);
        }
        s.sum(sum)
    }
}

/// e^(x - max) of up to 16 values, 0 beyond them.
#[inline(always)]
fn exp_of<S: Simd>(s: S, x: &[f32], max: f32) -> S::F {
    let mut lanes = [f32::NEG_INFINITY; 16];
    lanes[..x.len()].copy_from_slice(x);
    // SAFETY: 16 floats.
    s.exp(s.sub(unsafe { s.load(lanes.as_ptr()) }, s.splat(max)))
}
