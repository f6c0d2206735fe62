//! Speed of the matrix kernels per type: packing, one row (bound by memory) and many rows (bound by arithmetic).
//!
//! With one thread, times are the CPU time of that thread, so that other load on the machine counts little.
//!
//! `cargo run --release -p omg-kernels --example bench -- [threads] [isa] [type ...]`

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use omg_format::DType;
use omg_kernels::{Isa, Matrix, Pool};

const ROWS: usize = 8192;
const COLS: usize = 2048;
/// More than the last-level cache of the larger servers.
const STREAMED_BYTES: usize = 400 << 20;

fn main() {
    let mut args = std::env::args().skip(1);
    let threads = args
        .next()
        .and_then(|a| a.parse().ok())
        .unwrap_or_else(Pool::default_threads);
    let isa = match args.next() {
        Some(name) => Isa::by_name(&name).expect("an instruction set of this CPU"),
        None => Isa::detect(),
    };
    let wanted: Vec<String> = args.collect();
    let pool = Pool::with_isa(threads, isa);
    println!("{threads} threads, {}", isa.name());
    println!(
        "one dispatch {:.1} us",
        1e6 * best(&pool, 2000, || pool.run(&|_| {}))
    );
    println!("reading memory {:.1} GB/s", read_bandwidth(&pool));
    println!(
        "{:8} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8}",
        "type", "load GB/s", "n=1 GB/s", "n=1", "n=8", "n=64", "n=512 GOPS"
    );
    for &dtype in DType::ALL.iter().filter(|&&dtype| Matrix::supports(dtype)) {
        if wanted.is_empty() || wanted.iter().any(|name| name == dtype.name()) {
            bench(&pool, dtype);
        }
    }
}

fn bench(pool: &Pool, dtype: DType) {
    let bytes = weights(dtype, ROWS * COLS);
    let started = now(pool);
    let count = STREAMED_BYTES.div_ceil(bytes.len());
    let matrices: Vec<Matrix> = (0..count)
        .map(|_| Matrix::from_bytes(dtype, ROWS, COLS, &bytes, pool).expect("sizes match"))
        .collect();
    let load = (count * bytes.len()) as f64 / (now(pool) - started).as_secs_f64() / 1e9;
    let x: Vec<f32> = (0..512 * COLS)
        .map(|i| ((i * 7919 % 1000) as f32 - 500.0) / 500.0)
        .collect();
    let mut y = vec![0.0; 512 * ROWS];
    let mut line = String::new();
    for n in [1, 8, 64, 512] {
        let mut next = matrices.iter().cycle();
        let repeats = if n == 1 {
            3 * count
        } else {
            (512 / n).clamp(2, 16)
        };
        let seconds = best(pool, repeats, || {
            let matrix = next.next().expect("a cycle has no end");
            matrix.matmul(pool, &x[..n * COLS], n, &mut y[..n * ROWS]);
        });
        if n == 1 {
            // The mean and not the minimum: one of the matrices may lie in the cache.
            let started = now(pool);
            for matrix in matrices.iter().chain(&matrices) {
                matrix.matmul(pool, &x[..COLS], 1, &mut y[..ROWS]);
            }
            let mean = (now(pool) - started).as_secs_f64() / (2 * count) as f64;
            line += &format!(" {:9.1}", bytes.len() as f64 / mean / 1e9);
        }
        line += &format!(" {:8.0}", 2.0 * (n * ROWS * COLS) as f64 / seconds / 1e9);
    }
    println!("{:8} {load:9.2}{line}", dtype.name());
}

fn best(pool: &Pool, repeats: usize, mut f: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..repeats {
        let started = now(pool);
        f();
        best = best.min((now(pool) - started).as_secs_f64());
    }
    best
}

fn now(pool: &Pool) -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    #[cfg(unix)]
    if pool.threads() == 1 {
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: `time` is ours to write.
        unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
        return Duration::new(time.tv_sec as u64, time.tv_nsec as u32);
    }
    START.get_or_init(Instant::now).elapsed()
}

fn read_bandwidth(pool: &Pool) -> f64 {
    let data = vec![1u64; STREAMED_BYTES / 8];
    let part = data.len() / 64;
    let seconds = best(pool, 3, || {
        pool.for_each(64, &|i| {
            let sum = data[i * part..(i + 1) * part]
                .iter()
                .fold(0u64, |a, &b| a.wrapping_add(b));
            std::hint::black_box(sum);
        });
    });
    (data.len() * 8) as f64 / seconds / 1e9
}

/// Bytes with sensible half floats everywhere.
fn weights(dtype: DType, elements: usize) -> Vec<u8> {
    let values: Vec<f32> = (0..elements)
        .map(|i| ((i * 31 % 257) as f32 - 128.0) / 1000.0)
        .collect();
    omg_format::quantize(dtype, &values).unwrap_or_else(|_| {
        let len = elements / dtype.block_elems() * dtype.block_bytes();
        (0..len).map(|i| [0x12, 0x24][i % 2]).collect()
    })
}
