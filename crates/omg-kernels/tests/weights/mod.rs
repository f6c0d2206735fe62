#![allow(dead_code, reason = "each test file uses some of these")]
//! Weights and activations made up for tests.

use half::{bf16, f16};
use omg_format::DType;

pub(crate) const TYPES: &[DType] = &[
    DType::F32,
    DType::F16,
    DType::BF16,
    DType::Q4_0,
    DType::Q4_1,
    DType::Q5_0,
    DType::Q5_1,
    DType::Q8_0,
    DType::Q2_K,
    DType::Q3_K,
    DType::Q4_K,
    DType::Q5_K,
    DType::Q6_K,
    DType::IQ4_NL,
    DType::IQ4_XS,
    DType::MXFP4,
    DType::NVFP4,
    DType::IQ1_S,
    DType::IQ1_M,
    DType::IQ2_XXS,
    DType::IQ2_XS,
    DType::IQ2_S,
    DType::IQ3_XXS,
    DType::IQ3_S,
    DType::TQ1_0,
    DType::TQ2_0,
    DType::Q1_0,
    DType::Q2_0,
    DType::Q8_1,
    DType::Q8_K,
];

pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in -1..1.
    pub(crate) fn float(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    pub(crate) fn floats(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.float()).collect()
    }
}

/// Bytes of a matrix of any type: random bits, with scales that are sensible numbers.
pub(crate) fn random_weights(dtype: DType, rows: usize, cols: usize, seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    if dtype.block_elems() == 1 {
        let floats = (0..rows * cols).map(|_| random.float() * 0.1);
        return match dtype {
            DType::F32 => floats.flat_map(f32::to_le_bytes).collect(),
            DType::F16 => floats
                .flat_map(|x| f16::from_f32(x).to_le_bytes())
                .collect(),
            _ => floats
                .flat_map(|x| bf16::from_f32(x).to_le_bytes())
                .collect(),
        };
    }
    let blocks = rows * cols / dtype.block_elems();
    let mut bytes: Vec<u8> = (0..blocks * dtype.block_bytes())
        .map(|_| random.next() as u8)
        .collect();
    // Where half floats are in a block.
    let halves: &[usize] = match dtype {
        DType::Q4_1 | DType::Q5_1 | DType::Q4_K | DType::Q5_K => &[0, 2],
        DType::Q2_K => &[80, 82],
        DType::Q3_K => &[108],
        DType::Q6_K => &[208],
        DType::TQ1_0 => &[52],
        DType::TQ2_0 => &[64],
        DType::MXFP4 | DType::NVFP4 | DType::IQ1_M | DType::Q8_K => &[],
        _ => &[0],
    };
    for block in bytes.chunks_exact_mut(dtype.block_bytes()) {
        for &at in halves {
            block[at..at + 2].copy_from_slice(&f16::from_f32(random.float() * 0.01).to_le_bytes());
        }
        if dtype == DType::MXFP4 {
            block[0] = 116 + (random.next() % 8) as u8;
        }
        if dtype == DType::NVFP4 {
            block[..4].iter_mut().for_each(|scale| *scale &= 63);
        }
        if dtype == DType::Q8_K {
            block[..4].copy_from_slice(&(random.float() * 0.01).to_le_bytes());
        }
        if dtype == DType::IQ1_M {
            let scale = f16::from_f32(random.float() * 0.01).to_bits();
            for i in 0..4 {
                let nibble = (scale >> (4 * i) & 15) as u8;
                block[49 + 2 * i] = block[49 + 2 * i] & 15 | nibble << 4;
            }
        }
    }
    bytes
}

pub(crate) fn dequantized(dtype: DType, bytes: &[u8], n: usize) -> Vec<f32> {
    let mut out = vec![0.0; n];
    omg_format::dequantize(dtype, bytes, &mut out).unwrap();
    out
}

/// What rounding activations to 8 bits per 32 columns, and sums in f32, can lose at most in one product.
pub(crate) fn quantized_error(dtype: DType, x: &[f32], w: &[f32]) -> f64 {
    let sizes: f64 = x.iter().zip(w).map(|(x, w)| f64::from((x * w).abs())).sum();
    if dtype.block_elems() == 1 {
        return sizes * 1e-6;
    }
    let steps: f64 = x
        .chunks(32)
        .zip(w.chunks(32))
        .map(|(x, w)| {
            let step = x.iter().fold(0f32, |m, x| m.max(x.abs())) / 127.0;
            // Each rounding is at most half a step, and rarely all in one direction.
            w.iter()
                .map(|w| f64::from(w.abs() * step) * 0.5)
                .sum::<f64>()
        })
        .sum();
    steps * 0.5 + sizes * 1e-4
}
