//! Matrices against `omg_format::dequantize` and plain sums in f64.

mod weights;

use omg_format::DType;
use omg_kernels::{Error, Isa, Matrix, Pool, Product, multiply};
use proptest::prelude::*;
use weights::{Random, TYPES, dequantized, quantized_error, random_weights};

fn product(pool: &Pool, matrix: &Matrix, x: &[f32], n: usize) -> Vec<f32> {
    let mut y = vec![f32::NAN; n * matrix.rows()];
    matrix.matmul(pool, x, n, &mut y);
    y
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn rows_are_those_of_the_file() {
    let pool = Pool::new(2);
    for &dtype in TYPES {
        let (rows, cols) = (37, 3 * 256);
        let bytes = random_weights(dtype, rows, cols, 1);
        let matrix = Matrix::from_bytes(dtype, rows, cols, &bytes, &pool).unwrap();
        let expected = dequantized(dtype, &bytes, rows * cols);
        for row in 0..rows {
            let mut out = vec![0.0; cols];
            matrix.row(row, &mut out);
            for (c, (a, b)) in out.iter().zip(&expected[row * cols..]).enumerate() {
                assert!(
                    (a - b).abs() <= b.abs() * 1e-6,
                    "{} [{row}, {c}]: {a} for {b}",
                    dtype.name()
                );
            }
        }
        assert_eq!(
            matrix.byte_size(),
            bytes.len() / rows * 48,
            "{}",
            dtype.name()
        );
    }
}

/// The scalar reference against f64 sums over what `omg_format` reads, within what 8-bit activations can lose.
#[test]
fn products_are_right() {
    for isa in Isa::available() {
        let pool = Pool::with_isa(2, isa);
        for &dtype in TYPES {
            let (rows, cols, n) = (35, 2 * 256, 3);
            let bytes = random_weights(dtype, rows, cols, 2);
            let matrix = Matrix::from_bytes(dtype, rows, cols, &bytes, &pool).unwrap();
            let w = dequantized(dtype, &bytes, rows * cols);
            let x = Random::new(3).floats(n * cols);
            let y = product(&pool, &matrix, &x, n);
            for i in 0..n {
                for row in 0..rows {
                    let (x, w) = (&x[i * cols..][..cols], &w[row * cols..][..cols]);
                    let exact: f64 = x
                        .iter()
                        .zip(w)
                        .map(|(&x, &w)| f64::from(x) * f64::from(w))
                        .sum();
                    let error = (f64::from(y[i * rows + row]) - exact).abs();
                    let allowed = quantized_error(dtype, x, w);
                    assert!(
                        error <= allowed,
                        "{} {}: error {error}, allowed {allowed}",
                        isa.name(),
                        dtype.name()
                    );
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// All instruction sets give the bits of the scalar reference for quantised weights, and nearly so for floats, whose
    /// products the reference rounds twice.
    #[test]
    fn instruction_sets_agree(kind in 0..TYPES.len(), rows in 1usize..70, blocks in 1usize..6, n in 1usize..20, seed: u64) {
        let dtype = TYPES[kind];
        let cols = if dtype.block_elems() == 1 { blocks * 53 } else { blocks * dtype.block_elems() };
        let bytes = random_weights(dtype, rows, cols, seed);
        let x = Random::new(seed ^ 1).floats(n * cols);
        let reference = Pool::with_isa(1, Isa::SCALAR);
        let matrix = Matrix::from_bytes(dtype, rows, cols, &bytes, &reference).unwrap();
        let expected = product(&reference, &matrix, &x, n);
        for isa in Isa::available() {
            let y = product(&Pool::with_isa(1, isa), &matrix, &x, n);
            if dtype.block_elems() > 1 {
                prop_assert_eq!(bits(&y), bits(&expected), "{} {}", isa.name(), dtype.name());
            } else {
                let scale = expected.iter().fold(1e-3f32, |m, y| m.max(y.abs()));
                for (a, b) in y.iter().zip(&expected) {
                    prop_assert!((a - b).abs() <= scale * 1e-5, "{} {}: {a} for {b}", isa.name(), dtype.name());
                }
            }
        }
    }

    /// A row's outputs have the same bits alone, in any batch, and on any number of threads.
    #[test]
    fn batches_and_threads_change_nothing(kind in 0..TYPES.len(), rows in 1usize..300, n in 1usize..90, seed: u64) {
        let dtype = TYPES[kind];
        let cols = 512;
        let bytes = random_weights(dtype, rows, cols, seed);
        let x = Random::new(seed ^ 2).floats(n * cols);
        let pools = [Pool::new(1), Pool::new(3)];
        let matrix = Matrix::from_bytes(dtype, rows, cols, &bytes, &pools[1]).unwrap();
        let batch = product(&pools[1], &matrix, &x, n);
        prop_assert_eq!(bits(&product(&pools[0], &matrix, &x, n)), bits(&batch));
        for i in [0, n / 2, n - 1] {
            let alone = product(&pools[1], &matrix, &x[i * cols..][..cols], 1);
            prop_assert_eq!(bits(&alone), bits(&batch[i * rows..][..rows]), "{} row {} of {}", dtype.name(), i, n);
        }
    }
}

#[test]
fn a_long_batch_is_cut_without_a_trace() {
    let pool = Pool::new(2);
    for dtype in [DType::Q4_K, DType::Q6_K, DType::Q8_0, DType::F16] {
        let (rows, cols, n) = (50, 256, 600);
        let bytes = random_weights(dtype, rows, cols, 7);
        let matrix = Matrix::from_bytes(dtype, rows, cols, &bytes, &pool).unwrap();
        let x = Random::new(8).floats(n * cols);
        let batch = product(&pool, &matrix, &x, n);
        for i in 0..n {
            let alone = product(&pool, &matrix, &x[i * cols..][..cols], 1);
            assert_eq!(
                bits(&alone),
                bits(&batch[i * rows..][..rows]),
                "{} row {i}",
                dtype.name()
            );
        }
    }
}

#[test]
fn products_of_one_dispatch_are_those_of_many() {
    let pool = Pool::new(2);
    let cols = 512;
    let make = |dtype, rows, seed| {
        Matrix::from_bytes(
            dtype,
            rows,
            cols,
            &random_weights(dtype, rows, cols, seed),
            &pool,
        )
        .unwrap()
    };
    let matrices = [
        make(DType::Q4_K, 130, 1),
        make(DType::F32, 17, 2),
        make(DType::Q6_K, 64, 3),
        make(DType::Q4_K, 9, 4),
    ];
    let inputs = [Random::new(5).floats(2 * cols), Random::new(6).floats(cols)];
    // The last one has an input of its own, as the experts of a mixture have.
    let of = |i: usize| &inputs[usize::from(i == 3)];
    let mut outputs: Vec<Vec<f32>> = matrices
        .iter()
        .enumerate()
        .map(|(i, m)| vec![0.0; m.rows() * of(i).len() / cols])
        .collect();
    let mut products: Vec<_> = matrices
        .iter()
        .zip(&mut outputs)
        .enumerate()
        .map(|(i, (matrix, y))| Product {
            matrix,
            x: of(i),
            y,
        })
        .collect();
    multiply(&pool, &mut products);
    for (i, (matrix, y)) in matrices.iter().zip(&outputs).enumerate() {
        assert_eq!(
            bits(y),
            bits(&product(&pool, matrix, of(i), of(i).len() / cols)),
            "product {i}"
        );
    }
}

#[test]
fn rows_may_come_in_pieces() {
    let pool = Pool::new(2);
    for &dtype in TYPES {
        let (rows, cols) = (50, 512);
        let bytes = random_weights(dtype, rows, cols, 9);
        let row_bytes = bytes.len() / rows;
        let mut builder = Matrix::builder(dtype, rows, cols).unwrap();
        for (start, end) in [(0, 7), (7, 8), (8, 40), (40, 40), (40, 50)] {
            builder
                .push_rows(&bytes[start * row_bytes..end * row_bytes], &pool)
                .unwrap();
        }
        let (pieces, whole) = (
            builder.finish().unwrap(),
            Matrix::from_bytes(dtype, rows, cols, &bytes, &pool).unwrap(),
        );
        let x = Random::new(1).floats(cols);
        assert_eq!(
            bits(&product(&pool, &pieces, &x, 1)),
            bits(&product(&pool, &whole, &x, 1)),
            "{}",
            dtype.name()
        );
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let pool = Pool::new(1);
    let refusal = |result: omg_kernels::Result<Matrix>| result.err().unwrap();
    assert!(matches!(
        refusal(Matrix::from_bytes(DType::F8_E4M3, 16, 256, &[], &pool)),
        Error::UnsupportedType { .. }
    ));
    assert!(matches!(
        refusal(Matrix::from_bytes(DType::Q4_K, 16, 128, &[], &pool)),
        Error::PartialBlocks { .. }
    ));
    assert!(matches!(
        refusal(Matrix::from_bytes(DType::Q8_0, 16, 32, &[0; 35], &pool)),
        Error::Length { .. }
    ));
    assert!(matches!(
        refusal(Matrix::from_bytes(DType::Q8_0, 2, 32, &[0; 34], &pool)),
        Error::RowsMissing { .. }
    ));
    assert!(matches!(
        refusal(Matrix::from_bytes(DType::Q8_0, 1, 32, &[0; 68], &pool)),
        Error::RowsOutside { .. }
    ));
    let huge =
        refusal(Matrix::builder(DType::F32, usize::MAX / 8, 1 << 20).map(|_| unreachable!()));
    assert_eq!(
        (huge.code(), matches!(huge, Error::TooLarge { .. })),
        ("out_of_memory", true)
    );
}

#[test]
fn poison_reaches_its_own_row_only() {
    for isa in Isa::available() {
        let pool = Pool::with_isa(2, isa);
        for &dtype in TYPES {
            let (rows, cols, n) = (20, 256, 3);
            let matrix = Matrix::from_bytes(
                dtype,
                rows,
                cols,
                &random_weights(dtype, rows, cols, 4),
                &pool,
            )
            .unwrap();
            for bad in [f32::NAN, f32::INFINITY] {
                let mut x = Random::new(2).floats(n * cols);
                x[cols + 100] = bad;
                let y = product(&pool, &matrix, &x, n);
                assert!(
                    y[..rows]
                        .iter()
                        .chain(&y[2 * rows..])
                        .all(|y| y.is_finite()),
                    "{}",
                    dtype.name()
                );
                assert!(
                    y[rows..2 * rows].iter().any(|y| !y.is_finite()),
                    "{}",
                    dtype.name()
                );
            }
        }
    }
}

#[test]
fn empty_shapes_are_fine() {
    let pool = Pool::new(2);
    let matrix = Matrix::from_bytes(DType::F32, 0, 8, &[], &pool).unwrap();
    matrix.matmul(&pool, &[0.0; 16], 2, &mut []);
    let matrix = Matrix::from_bytes(DType::F32, 3, 0, &[], &pool).unwrap();
    let mut y = [1.0; 6];
    matrix.matmul(&pool, &[], 2, &mut y);
    assert_eq!(y, [0.0; 6]);
    let matrix = Matrix::from_bytes(DType::Q8_0, 1, 32, &[0; 34], &pool).unwrap();
    matrix.matmul(&pool, &[], 0, &mut []);
}
