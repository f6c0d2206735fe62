//! Norms, rotary embedding, activations and logits against their definitions in f64.

mod weights;

use omg_kernels::*;
use weights::Random;

/// Calls `f` with a pool of each instruction set.
fn everywhere(f: impl Fn(&Pool)) {
    for isa in Isa::available() {
        f(&Pool::with_isa(2, isa));
    }
}

fn close(found: &[f32], expected: impl IntoIterator<Item = f64>, tolerance: f64) {
    let mut count = 0;
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!(
            (f64::from(*a) - b).abs() <= tolerance * (1.0 + b.abs()),
            "[{i}]: {a} for {b}"
        );
        count += 1;
    }
    assert_eq!(count, found.len());
}

fn wide(x: &[f32]) -> impl Iterator<Item = f64> + '_ {
    x.iter().map(|&x| f64::from(x))
}

fn rms(x: &[f32], w: &[f32], eps: f64) -> Vec<f64> {
    let mean = wide(x).map(|x| x * x).sum::<f64>() / x.len() as f64;
    wide(x)
        .zip(wide(w))
        .map(|(x, w)| x / (mean + eps).sqrt() * w)
        .collect()
}

#[test]
fn norms() {
    everywhere(|pool| {
        for (n, dim) in [(1, 1), (3, 7), (2, 64), (1, 100), (30, 2049)] {
            let mut random = Random::new(dim as u64);
            let (x, delta) = (random.floats(n * dim), random.floats(n * dim));
            let (w, b) = (random.floats(dim), random.floats(dim));
            let mut y = vec![0.0; n * dim];
            rms_norm(pool, &x, &w, 1e-5, n, &mut y);
            let rows = || x.chunks(dim);
            close(&y, rows().flat_map(|x| rms(x, &w, 1e-5)), 1e-6);
            let mut z = x.clone();
            rms_norm_in_place(pool, &mut z, &w, 1e-5);
            assert_eq!(y, z);
            let mut residual = x.clone();
            add_rms_norm(pool, &mut residual, &delta, &w, 1e-5, n, &mut y);
            let sums: Vec<f32> = x.iter().zip(&delta).map(|(x, d)| x + d).collect();
            assert_eq!(residual, sums);
            close(&y, sums.chunks(dim).flat_map(|x| rms(x, &w, 1e-5)), 1e-6);
            for b in [&b[..], &[]] {
                layer_norm(pool, &x, &w, b, 1e-5, n, &mut y);
                let expected = rows().flat_map(|x| {
                    let mean = wide(x).sum::<f64>() / dim as f64;
                    let variance = wide(x).map(|x| (x - mean).powi(2)).sum::<f64>() / dim as f64;
                    let norm = |(i, x): (usize, f64)| {
                        let bias = b.get(i).map_or(0.0, |b| f64::from(*b));
                        (x - mean) / (variance + 1e-5).sqrt() * f64::from(w[i]) + bias
                    };
                    wide(x).enumerate().map(norm).collect::<Vec<_>>()
                });
                close(&y, expected, 2e-5);
            }
        }
    });
}

#[test]
fn rotary_embedding() {
    everywhere(|pool| {
        let (heads, head_dim) = (3, 20);
        let positions = [0u32, 1, 77, 4000];
        let divisors = [1.0, 1.0, 2.0, 8.0];
        for (offset, pairing) in [
            (0, Pairing::Interleaved),
            (0, Pairing::HalfSplit),
            (12, Pairing::Interleaved),
        ] {
            let x = Random::new(3).floats(positions.len() * heads * head_dim);
            let mut y = x.clone();
            let table = RopeTable::new(8, 10_000.0, Some(&divisors))
                .with_offset(offset)
                .with_magnitude(1.5);
            assert_eq!(table.dims(), 8);
            rope(pool, &mut y, &positions, &table, heads, head_dim, pairing);
            let mut expected: Vec<f64> = wide(&x).collect();
            for (row, head) in expected.chunks_mut(head_dim).enumerate() {
                for (i, divisor) in divisors.iter().enumerate() {
                    let theta = 10_000f64.powf(-2.0 * i as f64 / 8.0) / f64::from(*divisor);
                    let (sin, cos) = (f64::from(positions[row / heads]) * theta).sin_cos();
                    let (a, b) = match pairing {
                        Pairing::Interleaved => (offset + 2 * i, offset + 2 * i + 1),
                        Pairing::HalfSplit => (offset + i, offset + i + 4),
                    };
                    let (x, y) = (head[a], head[b]);
                    head[a] = 1.5 * (x * cos - y * sin);
                    head[b] = 1.5 * (x * sin + y * cos);
                }
            }
            // An angle of thousands of radians in f32 is good to about 2e-4.
            close(&y, expected, 5e-4);
        }
    });
}

#[test]
fn activations() {
    fn erf(x: f64) -> f64 {
        // Maclaurin series, exact enough for the arguments used.
        let mut term = x;
        let mut sum = x;
        for n in 1..200 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * 2.0 / std::f64::consts::PI.sqrt()
    }
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let reference = |activation: Activation, x: f64| match activation {
        Activation::Silu => x * sigmoid(x),
        Activation::GeluTanh => {
            0.5 * x
                * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
        }
        Activation::GeluErf => 0.5 * x * (1.0 + erf(x / 2f64.sqrt())),
        Activation::Relu => x.max(0.0),
        Activation::ReluSquared => x.max(0.0).powi(2),
        Activation::Sigmoid => sigmoid(x),
        _ => unreachable!(),
    };
    everywhere(|pool| {
        for len in [1, 15, 16, 40, 40_000] {
            let mut random = Random::new(len as u64);
            let gate: Vec<f32> = random.floats(len).into_iter().map(|x| x * 5.0).collect();
            let up = random.floats(len);
            let mut y = vec![0.0; len];
            for activation in [
                Activation::Silu,
                Activation::GeluTanh,
                Activation::GeluErf,
                Activation::Relu,
                Activation::ReluSquared,
                Activation::Sigmoid,
            ] {
                gated(pool, activation, &gate, &up, &mut y);
                close(
                    &y,
                    wide(&gate)
                        .zip(wide(&up))
                        .map(|(g, u)| reference(activation, g) * u),
                    2e-6,
                );
                y.copy_from_slice(&gate);
                activate(pool, activation, &mut y);
                close(&y, wide(&gate).map(|g| reference(activation, g)), 2e-6);
            }
            let up: Vec<f32> = up.iter().map(|x| x * 10.0).collect();
            gated(
                pool,
                Activation::ClampedSwiglu {
                    alpha: 1.702,
                    limit: 3.0,
                },
                &gate,
                &up,
                &mut y,
            );
            let clamped = wide(&gate).zip(wide(&up)).map(|(g, u)| {
                let g = g.min(3.0);
                g * sigmoid(1.702 * g) * (u.clamp(-3.0, 3.0) + 1.0)
            });
            close(&y, clamped, 2e-6);
            y.copy_from_slice(&gate);
            softcap(pool, &mut y, 2.0);
            close(&y, wide(&gate).map(|x| 2.0 * (x / 2.0).tanh()), 1e-6);
        }
        let mut extremes = [f32::NEG_INFINITY, -1e30, 1e30, f32::INFINITY, f32::NAN];
        activate(pool, Activation::Sigmoid, &mut extremes);
        assert_eq!(extremes[..4], [0.0, 0.0, 1.0, 1.0]);
        assert!(extremes[4].is_nan());
    });
}

#[test]
fn sums() {
    let pool = Pool::new(2);
    let mut random = Random::new(1);
    let (x, y, bias) = (
        random.floats(40_000),
        random.floats(40_000),
        random.floats(100),
    );
    let check = |f: &dyn Fn(&mut [f32]), expected: &dyn Fn(usize) -> f32| {
        let mut z = x.clone();
        f(&mut z);
        assert!((0..z.len()).all(|i| z[i] == expected(i)));
    };
    check(&|z| add(&pool, z, &y), &|i| x[i] + y[i]);
    check(&|z| add_scaled(&pool, z, &y, 0.5), &|i| x[i] + 0.5 * y[i]);
    check(&|z| scale(&pool, z, 3.0), &|i| x[i] * 3.0);
    check(&|z| add_bias(&pool, z, &bias), &|i| x[i] + bias[i % 100]);
}

#[test]
fn logits() {
    everywhere(|pool| {
        for len in [1, 5, 64, 1000, 50_001] {
            let x: Vec<f32> = Random::new(len as u64)
                .floats(len)
                .into_iter()
                .map(|x| x * 20.0)
                .collect();
            let mut order: Vec<usize> = (0..len).collect();
            order.sort_by(|&a, &b| x[b].total_cmp(&x[a]).then(a.cmp(&b)));
            assert_eq!(argmax(&x), order[0]);
            for k in [1, 7, 40] {
                let expected: Vec<_> = order.iter().take(k).map(|&i| (i as u32, x[i])).collect();
                assert_eq!(top_k(&x, k), expected);
            }
            let sum: f64 = wide(&x).map(f64::exp).sum();
            close(&[log_sum_exp(pool, &x)], [sum.ln()], 1e-6);
            let mut y = x.clone();
            softmax(pool, &mut y);
            close(&y, wide(&x).map(|x| x.exp() / sum), 1e-6);
        }
        let mut masked = [f32::NEG_INFINITY, 1.0, f32::NEG_INFINITY];
        softmax(pool, &mut masked);
        assert_eq!(masked, [0.0, 1.0, 0.0]);
        let mut nothing = [f32::NEG_INFINITY; 3];
        softmax(pool, &mut nothing);
        assert_eq!(nothing, [0.0; 3]);
    });
    assert_eq!(argmax(&[f32::NAN, 1.0, 3.0, 3.0, f32::NAN]), 2);
    assert_eq!(
        top_k(&[f32::NAN, 1.0, 3.0, 3.0], 9),
        [(2, 3.0), (3, 3.0), (1, 1.0)]
    );
    assert_eq!((argmax(&[]), top_k(&[], 3).len()), (0, 0));
}
