//! Tokens per second of an encoder: `cargo run --release -p omg-models --example encode -- MODEL [TOKENS] [TEXTS] [THREADS]`

use std::path::Path;
use std::time::Instant;

use omg_format::ModelFiles;
use omg_kernels::Pool;
use omg_models::{DeviceChoice, Encoder, EncoderText, encoder_of};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let path = args
        .next()
        .ok_or("usage: encode MODEL [TOKENS] [TEXTS] [THREADS]")?;
    let mut number = |default: usize| args.next().map_or(Ok(default), |text| text.parse());
    let (tokens, texts) = (number(32)?, number(64)?);
    let threads = number(Pool::default_threads())?;
    let files = ModelFiles::open(Path::new(&path))?;
    let spec = encoder_of(&files)?.ok_or("not an encoder")?;
    let encoder = Encoder::load(&files, spec, &DeviceChoice::Cpu { threads }, &mut |_| true)?;
    let vocab = encoder.spec().vocab as u32;
    let text: Vec<u32> = (0..tokens as u32).map(|i| i * 7919 % vocab).collect();
    let batch = vec![
        EncoderText {
            tokens: &text,
            second: tokens
        };
        texts
    ];
    for _ in 0..2 {
        encoder.encode(&batch)?;
    }
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        encoder.encode(&batch)?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!(
        "{threads} threads, {texts} texts of {tokens} tokens: {:.1} ms, {:.0} texts/s, {:.0} tokens/s",
        best * 1e3,
        texts as f64 / best,
        (texts * tokens) as f64 / best
    );
    Ok(())
}
