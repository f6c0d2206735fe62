//! All of the unsafe code once, in sizes that an interpreter can take: what Miri runs (`.github/workflows/nightly.yml`).

mod weights;

use std::sync::atomic::{AtomicUsize, Ordering};

use omg_kernels::{
    AttentionShape, Isa, Mask, Matrix, PagedKv, Pool, Product, Seq, attention, multiply, rms_norm,
};
use weights::{Random, TYPES, dequantized, quantized_error, random_weights};

/// Workers that spin for work take their share of an interpreter's time.
const THREADS: usize = if cfg!(miri) { 1 } else { 2 };

#[test]
fn a_pool_runs_and_ends() {
    for threads in [1, 3] {
        let pool = Pool::with_isa(threads, Isa::SCALAR);
        let sum = AtomicUsize::new(0);
        for _ in 0..3 {
            pool.run(&|worker| {
                sum.fetch_add(worker, Ordering::Relaxed);
            });
            pool.for_each(5, &|i| {
                sum.fetch_add(i, Ordering::Relaxed);
            });
        }
        assert_eq!(sum.into_inner(), 3 * (threads * (threads - 1) / 2 + 10));
        let panics = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pool.for_each(4, &|i| assert_ne!(i, 2, "a panic that a test asked for"));
        }));
        assert!(panics.is_err());
    }
}

#[test]
fn matrices_are_packed_and_multiplied() {
    for isa in Isa::available() {
        let pool = Pool::with_isa(THREADS, isa);
        for &dtype in TYPES {
            // No multiple of what is packed together.
            let (rows, cols, n) = (5, 256, 2);
            let bytes = random_weights(dtype, rows, cols, 7);
            let matrix = Matrix::from_bytes(dtype, rows, cols, &bytes, &pool).unwrap();
            let w = dequantized(dtype, &bytes, rows * cols);
            let mut row = vec![0.0; cols];
            matrix.row(rows - 1, &mut row);
            assert!((row[3] - w[(rows - 1) * cols + 3]).abs() <= row[3].abs() * 1e-6);
            let x = Random::new(8).floats(n * cols);
            let mut y = vec![f32::NAN; n * rows];
            multiply(
                &pool,
                &mut [Product {
                    matrix: &matrix,
                    x: &x,
                    y: &mut y,
                }],
            );
            for (at, y) in y.iter().enumerate() {
                let x = &x[at / rows * cols..][..cols];
                let w = &w[at % rows * cols..][..cols];
                let sum: f64 = x.iter().zip(w).map(|(x, w)| f64::from(x * w)).sum();
                let error = quantized_error(dtype, x, w);
                assert!(
                    (f64::from(*y) - sum).abs() <= error,
                    "{} {at}",
                    dtype.name()
                );
            }
        }
    }
}

#[test]
fn a_cache_is_written_and_attended_to() {
    for isa in Isa::available() {
        let pool = Pool::with_isa(THREADS, isa);
        let (heads, kv_heads, dim, len) = (2, 1, 8, 35);
        let shape = AttentionShape {
            heads,
            kv_heads,
            k_dim: dim,
            v_dim: dim,
            scale: 0.3,
            softcap: None,
            mask: Mask::Causal,
            sinks: None,
            slopes: None,
        };
        let mut random = Random::new(9);
        let mut kv = PagedKv::new(3, kv_heads, dim, dim).unwrap();
        let (k, v) = (random.floats(len * dim), vec![0.5; len * dim]);
        kv.write(&pool, &[2, 0], 0, &k, &v);
        kv.copy_block(2, 1);
        let q = random.floats(len * heads * dim);
        let mut out = vec![f32::NAN; len * heads * dim];
        let seq = Seq {
            rows: 0..len,
            first_position: 0,
            block_table: &[1, 0],
            state: None,
        };
        attention(&pool, &shape, &q, &kv, &[seq], &mut out);
        // All values are the same, so whatever is attended to is that value.
        assert!(out.iter().all(|x| (x - 0.5).abs() < 1e-5));
        let mut normed = vec![f32::NAN; out.len()];
        rms_norm(&pool, &out, &vec![1.0; dim], 1e-6, len * heads, &mut normed);
        assert!(normed.iter().all(|x| (x - 1.0).abs() < 1e-3));
    }
}
