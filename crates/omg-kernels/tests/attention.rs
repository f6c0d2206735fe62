//! Attention against its definition in f64, and its promise that a row depends on its own sequence alone.

mod weights;

use omg_kernels::{AttentionShape, BLOCK_TOKENS, Isa, Mask, PagedKv, Pool, Seq, attention};
use proptest::prelude::*;
use weights::Random;

fn shape(heads: usize, kv_heads: usize, dim: usize, mask: Mask) -> AttentionShape {
    AttentionShape {
        heads,
        kv_heads,
        k_dim: dim,
        v_dim: dim,
        scale: 1.0 / (dim as f32).sqrt(),
        softcap: None,
        mask,
        sinks: None,
        slopes: None,
    }
}

/// Keys, values and queries of one sequence.
struct Sequence {
    len: usize,
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
}

impl Sequence {
    fn new(shape: &AttentionShape, len: usize, seed: u64) -> Self {
        let mut random = Random::new(seed);
        // Half floats exactly, so that the cache loses nothing.
        let mut halves = |n| -> Vec<f32> {
            random
                .floats(n)
                .into_iter()
                .map(|x| half::f16::from_f32(x).to_f32())
                .collect()
        };
        let k = halves(len * shape.kv_heads * shape.k_dim);
        let v = halves(len * shape.kv_heads * shape.v_dim);
        let q = random
            .floats(len * shape.heads * shape.k_dim)
            .into_iter()
            .map(|x| x * 4.0)
            .collect();
        Self { len, q, k, v }
    }

    fn expected(&self, shape: &AttentionShape, row: usize, head: usize) -> Vec<f64> {
        let kv_head = head / (shape.heads / shape.kv_heads);
        let q = &self.q[(row * shape.heads + head) * shape.k_dim..][..shape.k_dim];
        let visible = |key: usize| match shape.mask {
            Mask::Causal => key <= row,
            Mask::Window(n) => key <= row && row - key < n,
            Mask::Chunk(n) => key <= row && key >= row / n * n,
            Mask::Full => true,
            Mask::Symmetric(n) => key.abs_diff(row) <= n / 2,
        };
        let mut sum = shape
            .sinks
            .as_ref()
            .map_or(0.0, |sinks| f64::from(sinks[head]).exp());
        let mut out = vec![0.0; shape.v_dim];
        for key in (0..self.len).filter(|&key| visible(key)) {
            let k = &self.k[(key * shape.kv_heads + kv_head) * shape.k_dim..][..shape.k_dim];
            let dot: f64 = q
                .iter()
                .zip(k)
                .map(|(&q, &k)| f64::from(q) * f64::from(k))
                .sum();
            let mut score = dot * f64::from(shape.scale);
            if let Some(cap) = shape.softcap {
                score = f64::from(cap) * (score / f64::from(cap)).tanh();
            }
            if let Some(slopes) = &shape.slopes {
                score += f64::from(slopes[head]) * (key as f64 - row as f64);
            }
            sum += score.exp();
            let v = &self.v[(key * shape.kv_heads + kv_head) * shape.v_dim..][..shape.v_dim];
            for (out, &v) in out.iter_mut().zip(v) {
                *out += score.exp() * f64::from(v);
            }
        }
        out.iter().map(|x| x / sum).collect()
    }
}

/// Every other block of a cache in falling order, the rest being filled with NaN: what a sequence must not read.
fn cached(pool: &Pool, shape: &AttentionShape, sequence: &Sequence) -> (PagedKv, Vec<u32>) {
    let blocks = sequence.len.div_ceil(BLOCK_TOKENS).max(1);
    let mut kv = PagedKv::new(2 * blocks, shape.kv_heads, shape.k_dim, shape.v_dim).unwrap();
    let everything: Vec<u32> = (0..2 * blocks as u32).collect();
    let tokens = 2 * blocks * BLOCK_TOKENS * shape.kv_heads;
    kv.write(
        pool,
        &everything,
        0,
        &vec![f32::NAN; tokens * shape.k_dim],
        &vec![f32::NAN; tokens * shape.v_dim],
    );
    let table: Vec<u32> = (0..blocks as u32).rev().map(|block| 2 * block).collect();
    kv.write(pool, &table, 0, &sequence.k, &sequence.v);
    (kv, table)
}

fn run(pool: &Pool, shape: &AttentionShape, q: &[f32], kv: &PagedKv, seqs: &[Seq<'_>]) -> Vec<f32> {
    let mut out = vec![f32::NAN; q.len() / shape.k_dim * shape.v_dim];
    attention(pool, shape, q, kv, seqs, &mut out);
    out
}

fn check(shape: &AttentionShape, len: usize, seed: u64) {
    let sequence = Sequence::new(shape, len, seed);
    for isa in Isa::available() {
        let pool = Pool::with_isa(2, isa);
        let (kv, table) = cached(&pool, shape, &sequence);
        let seq = Seq {
            rows: 0..len,
            first_position: 0,
            block_table: &table,
            state: None,
        };
        let out = run(&pool, shape, &sequence.q, &kv, &[seq]);
        for row in (0..len).step_by(len.div_ceil(7)).chain([len - 1]) {
            for head in 0..shape.heads {
                let found = &out[(row * shape.heads + head) * shape.v_dim..][..shape.v_dim];
                for (a, b) in found.iter().zip(sequence.expected(shape, row, head)) {
                    assert!(
                        (f64::from(*a) - b).abs() < 2e-5,
                        "{} row {row} head {head}: {a} for {b}",
                        isa.name()
                    );
                }
            }
        }
    }
}

#[test]
fn masks_are_right() {
    for mask in [
        Mask::Causal,
        Mask::Window(1),
        Mask::Window(40),
        Mask::Chunk(48),
        Mask::Full,
        Mask::Symmetric(21),
    ] {
        check(&shape(6, 2, 32, mask), 131, 1);
    }
}

#[test]
fn options_are_right() {
    let plain = || shape(4, 2, 24, Mask::Causal);
    check(
        &AttentionShape {
            softcap: Some(2.0),
            ..plain()
        },
        70,
        2,
    );
    check(
        &AttentionShape {
            sinks: Some(vec![0.5, -1.0, 3.0, 0.0]),
            ..plain()
        },
        70,
        3,
    );
    check(
        &AttentionShape {
            slopes: Some(vec![0.5, 0.25, 0.125, 0.06]),
            ..plain()
        },
        70,
        4,
    );
    check(
        &AttentionShape {
            k_dim: 40,
            v_dim: 72,
            ..plain()
        },
        70,
        5,
    );
    check(
        &AttentionShape {
            k_dim: 6,
            v_dim: 5,
            ..plain()
        },
        3,
        6,
    );
    check(&shape(40, 1, 16, Mask::Causal), 33, 7);
}

/// Longer than a part of the online softmax, which are combined at the end.
#[test]
fn long_sequences_are_right() {
    check(
        &AttentionShape {
            sinks: Some(vec![0.3, 0.1]),
            ..shape(2, 1, 16, Mask::Causal)
        },
        2300,
        8,
    );
    check(&shape(2, 1, 16, Mask::Window(1100)), 2300, 9);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A prompt in one step, in many, token by token, next to another sequence, on any number of threads: the same bits.
    #[test]
    fn steps_batches_and_threads_change_nothing(
        group in 1usize..6, kv_heads in 1usize..4, dim in 1usize..5, len in 1usize..200, cut in 1usize..60,
        window in proptest::option::of(1usize..90), seed: u64,
    ) {
        let mask = window.map_or(Mask::Causal, Mask::Window);
        let shape = shape(group * kv_heads, kv_heads, dim * 16, mask);
        let row = shape.heads * shape.k_dim;
        let sequence = Sequence::new(&shape, len, seed);
        let pool = Pool::new(3);
        let (kv, table) = cached(&pool, &shape, &sequence);
        let all = Seq { rows: 0..len, first_position: 0, block_table: &table, state: None };
        let whole = run(&pool, &shape, &sequence.q, &kv, &[all]);
        prop_assert!(whole.iter().all(|x| x.is_finite()));
        for start in (0..len).step_by(cut) {
            let end = (start + cut).min(len);
            let rows = end - start;
            let step = Seq { rows: 0..rows, first_position: start, block_table: &table, state: None };
            let part = run(&Pool::new(1), &shape, &sequence.q[start * row..end * row], &kv, std::slice::from_ref(&step));
            prop_assert_eq!(&part[..], &whole[start * row..end * row], "rows {}..{}", start, end);
            // The same rows again, behind a sequence of one token.
            let first = Seq { rows: 0..1, first_position: 0, block_table: &table, state: None };
            let step = Seq { rows: 1..1 + rows, ..step };
            let q = [&sequence.q[..row], &sequence.q[start * row..end * row]].concat();
            let both = run(&pool, &shape, &q, &kv, &[first, step]);
            prop_assert_eq!(&both[..row], &whole[..row]);
            prop_assert_eq!(&both[row..], &part[..]);
        }
    }
}

#[test]
fn a_long_decode_is_split_over_threads_without_a_trace() {
    let shape = shape(4, 1, 32, Mask::Causal);
    let len = 4000;
    let sequence = Sequence::new(&shape, len, 10);
    let row = shape.heads * shape.k_dim;
    let results = [1, 2, 5].map(|threads| {
        let pool = Pool::new(threads);
        let (kv, table) = cached(&pool, &shape, &sequence);
        let seq = Seq {
            rows: 0..1,
            first_position: len - 1,
            block_table: &table,
            state: None,
        };
        run(&pool, &shape, &sequence.q[(len - 1) * row..], &kv, &[seq])
    });
    assert_eq!(results[0], results[1]);
    assert_eq!(results[0], results[2]);
}

#[test]
fn blocks_are_copied_and_written_in_steps() {
    let shape = shape(2, 2, 16, Mask::Causal);
    let sequence = Sequence::new(&shape, 50, 11);
    let pool = Pool::new(1);
    let (whole, table) = cached(&pool, &shape, &sequence);
    let mut kv = PagedKv::new(4, 2, 16, 16).unwrap();
    for start in (0..50).step_by(9) {
        let range = start * 32..(start + 9).min(50) * 32;
        kv.write(
            &pool,
            &[3, 1],
            start,
            &sequence.k[range.clone()],
            &sequence.v[range],
        );
    }
    kv.copy_block(1, 2);
    let out = |kv: &PagedKv, table: &[u32]| {
        let seq = Seq {
            rows: 0..50,
            first_position: 0,
            block_table: table,
            state: None,
        };
        run(&pool, &shape, &sequence.q, kv, &[seq])
    };
    assert_eq!(out(&kv, &[3, 2]), out(&whole, &table));
}

#[test]
fn numbers_too_large_for_the_cache_stay_finite() {
    let shape = shape(1, 1, 16, Mask::Causal);
    let pool = Pool::new(1);
    let mut kv = PagedKv::new(1, 1, 16, 16).unwrap();
    kv.write(&pool, &[0], 0, &[1e9; 32], &[-1e9; 32]);
    let seq = Seq {
        rows: 0..2,
        first_position: 0,
        block_table: &[0],
        state: None,
    };
    assert_eq!(run(&pool, &shape, &[1.0; 32], &kv, &[seq]), [-65504.0; 32]);
}
