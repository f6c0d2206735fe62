//! Tokens per second of a model file on the CPU: `cargo run --release -p omg-models --example bench -- MODEL [THREADS] [STREAMS]`

use std::path::Path;
use std::time::Instant;

use omg_format::ModelFiles;
use omg_kernels::{BLOCK_TOKENS, Pool};
use omg_models::{Batch, DeviceChoice, Model, Seq, kv_bytes_per_token, spec_of};

const PREFILL: usize = 512;
const DECODE: usize = 64;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let path = args
        .next()
        .ok_or("usage: bench MODEL [THREADS] [STREAMS]")?;
    let threads = args.next().map_or(Ok(0), |text| text.parse())?;
    let threads = if threads == 0 {
        Pool::default_threads()
    } else {
        threads
    };
    let streams: usize = args.next().map_or(Ok(1), |text| text.parse())?;

    let files = ModelFiles::open(Path::new(&path))?;
    let spec = spec_of(&files)?.with_served_context(4096);
    let kv_bytes = kv_bytes_per_token(&spec);
    let start = Instant::now();
    let model = Model::load(&files, spec, &DeviceChoice::Cpu { threads }, &mut |_| true)?;
    let megabytes = model.weight_bytes() as f64 / 1e6;
    println!(
        "loaded {megabytes:.0} MB in {:.2} s, {threads} threads, {kv_bytes} KV bytes/token",
        start.elapsed().as_secs_f64()
    );
    peak_memory();

    let blocks_each = (PREFILL + DECODE).div_ceil(BLOCK_TOKENS);
    let mut kv = model.new_kv(streams * blocks_each)?;
    let table: Vec<u32> = (0..(streams * blocks_each) as u32).collect();
    let vocab = model.spec().vocab as u32;
    let prompt: Vec<u32> = (0..PREFILL as u32).map(|i| (i * 7919) % vocab).collect();
    let positions: Vec<u32> = (0..PREFILL as u32).collect();
    let start = Instant::now();
    for stream in table.chunks(blocks_each) {
        let seq = Seq {
            rows: 0..PREFILL,
            first_position: 0,
            block_table: stream,
            state: None,
        };
        model.forward(
            &mut kv,
            &Batch {
                tokens: &prompt,
                positions: &positions,
                seqs: &[seq],
                outputs: &[PREFILL - 1],
            },
        )?;
    }
    println!(
        "prefill {:.1} tokens/s",
        (PREFILL * streams) as f64 / start.elapsed().as_secs_f64()
    );

    let outputs: Vec<usize> = (0..streams).collect();
    let start = Instant::now();
    for step in 0..DECODE {
        let first_position = PREFILL + step;
        let tokens: Vec<u32> = (0..streams)
            .map(|stream| ((step * 31 + stream) as u32) % vocab)
            .collect();
        let positions = vec![first_position as u32; streams];
        let tables = table.chunks(blocks_each).enumerate();
        let seqs: Vec<Seq<'_>> = tables
            .map(|(row, block_table)| Seq {
                rows: row..row + 1,
                first_position,
                block_table,
                state: None,
            })
            .collect();
        model.forward(
            &mut kv,
            &Batch {
                tokens: &tokens,
                positions: &positions,
                seqs: &seqs,
                outputs: &outputs,
            },
        )?;
    }
    println!(
        "decode {:.2} tokens/s, {streams} streams",
        (DECODE * streams) as f64 / start.elapsed().as_secs_f64()
    );
    peak_memory();
    Ok(())
}

/// The most memory this process has held, where the system tells.
fn peak_memory() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(line) = status.lines().find(|line| line.starts_with("VmHWM")) {
        println!("peak memory {}", line.trim_start_matches("VmHWM:").trim());
    }
}
