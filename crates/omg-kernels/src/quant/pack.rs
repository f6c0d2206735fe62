//! From the blocks of a file to panels.

use omg_format::DType;

use super::layout::{Layout, Planes, Scales};

/// Quants of 32 columns as 8 words of 4 bytes, so that bit planes are made 4 columns at a time.
type Words = [u32; 8];

fn words(quants: &[u8; 32]) -> Words {
    let mut out = [0; 8];
    for (word, bytes) in out.iter_mut().zip(quants.chunks_exact(4)) {
        *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    out
}

/// Writes one row of a unit: `block` is one block of `dtype`, `unit` the unit's bytes, `lane` the row within the panel.
pub(crate) fn pack_block(
    dtype: DType,
    layout: &Layout,
    block: &[u8],
    unit: &mut [u8],
    lane: usize,
) {
    let (head, planes) = unit.split_at_mut(layout.scales.bytes());
    pack_scales(dtype, layout.scales, block, head, lane);
    if layout.planes == Planes::Blocks {
        return;
    }
    for (chunk, out) in planes.chunks_exact_mut(layout.planes.bytes()).enumerate() {
        pack_planes(
            layout.planes,
            &words(&quants(dtype, block, chunk)),
            out,
            lane,
        );
    }
}

fn half_at(head: &mut [u8], at: usize, lane: usize, bytes: &[u8]) {
    head[at + lane * 2..at + lane * 2 + 2].copy_from_slice(&bytes[..2]);
}

fn pack_scales(dtype: DType, scales: Scales, block: &[u8], head: &mut [u8], lane: usize) {
    match scales {
        Scales::D => half_at(head, 0, lane, block),
        Scales::One => {
            let at = if dtype == DType::TQ2_0 { 64 } else { 0 };
            half_at(head, 0, lane, &block[at..]);
        }
        Scales::Micro => {
            for (group, scale) in block[..4].iter().enumerate() {
                head[group * 16 + lane] = *scale;
            }
        }
        Scales::DM => {
            half_at(head, 0, lane, block);
            half_at(head, 32, lane, &block[2..]);
        }
        Scales::Exponent => head[lane] = block[0],
        Scales::Six => {
            half_at(head, 0, lane, block);
            half_at(head, 32, lane, &block[2..]);
            let s = &block[4..16];
            for j in 0..8 {
                let (scale, min) = if j < 4 {
                    (s[j] & 63, s[j + 4] & 63)
                } else {
                    (
                        (s[j + 4] & 15) | (s[j - 4] >> 6) << 4,
                        (s[j + 4] >> 4) | (s[j] >> 6) << 4,
                    )
                };
                head[64 + j * 16 + lane] = (scale & 15) | (min & 15) << 4;
                head[64 + 128 + (j & 3) * 16 + lane] |= ((scale >> 4) | (min >> 4) << 2) << (j & 4);
            }
        }
        Scales::Nibbles => {
            half_at(head, 0, lane, &block[80..]);
            half_at(head, 32, lane, &block[82..]);
            for (j, scale) in block[..16].iter().enumerate() {
                head[64 + j * 16 + lane] = *scale;
            }
        }
        Scales::Signed => {
            half_at(head, 0, lane, &block[208..]);
            for (j, scale) in block[192..208].iter().enumerate() {
                head[32 + j * 16 + lane] = *scale;
            }
        }
        Scales::SixSigned => {
            half_at(head, 0, lane, &block[108..]);
            let s = &block[96..108];
            for j in 0..16 {
                let low = if j < 8 { s[j] & 15 } else { s[j - 8] >> 4 };
                let high = s[8 + (j & 3)] >> (2 * (j / 4)) & 3;
                head[32 + (j & 7) * 16 + lane] |= low << (4 * (j / 8));
                head[32 + 128 + (j & 3) * 16 + lane] |= high << (2 * (j / 4));
            }
        }
        Scales::SixSignedWide => {
            debug_assert_eq!(dtype, DType::IQ4_XS);
            half_at(head, 0, lane, block);
            let highs = u16::from_le_bytes([block[2], block[3]]);
            for j in 0..8 {
                let low = block[4 + j / 2] >> (4 * (j & 1)) & 15;
                let high = (highs >> (2 * j) & 3) as u8;
                head[32 + (j & 3) * 16 + lane] |= low << (4 * (j / 4));
                head[32 + 64 + (j & 1) * 16 + lane] |= high << (2 * (j / 2));
            }
        }
        Scales::Blocks(_) => {
            head[lane * block.len()..][..block.len()].copy_from_slice(block);
        }
    }
}

/// The unsigned quants of columns `32 * chunk ..` of a block.
fn quants(dtype: DType, block: &[u8], chunk: usize) -> [u8; 32] {
    let nibbles = |qs: &[u8]| -> [u8; 32] {
        let qs = &qs[..16];
        std::array::from_fn(|j| if j < 16 { qs[j] & 15 } else { qs[j - 16] >> 4 })
    };
    match dtype {
        DType::Q4_0 | DType::IQ4_NL => nibbles(&block[2..]),
        DType::Q4_1 => nibbles(&block[4..]),
        DType::MXFP4 => nibbles(&block[1..]),
        DType::IQ4_XS => nibbles(&block[8 + chunk * 16..]),
        DType::Q5_0 | DType::Q5_1 => {
            let at = if dtype == DType::Q5_0 { 2 } else { 4 };
            let high = u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]);
            let low = nibbles(&block[at + 4..]);
            std::array::from_fn(|j| low[j] | ((high >> j & 1) as u8) << 4)
        }
        DType::Q8_0 => {
            let qs = &block[2..34];
            std::array::from_fn(|j| qs[j] ^ 0x80)
        }
        DType::Q2_K => {
            let (qs, shift) = (&block[16 + chunk / 4 * 32..][..32], 2 * (chunk & 3));
            std::array::from_fn(|j| qs[j] >> shift & 3)
        }
        DType::Q3_K => {
            let (mask, shift) = (&block[..32], 2 * (chunk & 3));
            let qs = &block[32 + chunk / 4 * 32..][..32];
            std::array::from_fn(|j| (qs[j] >> shift & 3) | (mask[j] >> chunk & 1) << 2)
        }
        DType::TQ2_0 => {
            let (qs, shift) = (&block[chunk / 4 * 32..][..32], 2 * (chunk & 3));
            std::array::from_fn(|j| qs[j] >> shift & 3)
        }
        DType::Q2_0 => {
            let qs = &block[2 + chunk * 8..][..8];
            std::array::from_fn(|j| qs[j / 4] >> (2 * (j % 4)) & 3)
        }
        DType::NVFP4 => {
            let qs = &block[4 + chunk * 16..][..16];
            std::array::from_fn(|j| qs[j / 16 * 8 + j % 8] >> (4 * (j / 8 % 2)) & 15)
        }
        DType::Q4_K => {
            let (qs, shift) = (&block[16 + chunk / 2 * 32..][..32], 4 * (chunk & 1));
            std::array::from_fn(|j| qs[j] >> shift & 15)
        }
        DType::Q5_K => {
            let (qs, shift) = (&block[48 + chunk / 2 * 32..][..32], 4 * (chunk & 1));
            let high = &block[16..48];
            std::array::from_fn(|j| (qs[j] >> shift & 15) | (high[j] >> chunk & 1) << 4)
        }
        DType::Q6_K => {
            let (half, quarter) = (chunk / 4, chunk & 3);
            let low = &block[half * 64 + (quarter & 1) * 32..][..32];
            let high = &block[128 + half * 32..][..32];
            let shift = 4 * (quarter / 2);
            std::array::from_fn(|j| (low[j] >> shift & 15) | (high[j] >> (2 * quarter) & 3) << 4)
        }
        _ => unreachable!("{} has no layout", dtype.name()),
    }
}

fn pack_planes(planes: Planes, q: &Words, out: &mut [u8], lane: usize) {
    let mut put = |vector: usize, word: u32| {
        out[vector * 64 + lane * 4..][..4].copy_from_slice(&word.to_le_bytes());
    };
    const LOW: u32 = 0x0f0f_0f0f;
    const ONE: u32 = 0x0101_0101;
    const TWO: u32 = 0x0303_0303;
    match planes {
        Planes::Blocks => {}
        Planes::Four | Planes::FourOne | Planes::FourTwo => {
            for v in 0..4 {
                put(v, (q[v] & LOW) | (q[v + 4] & LOW) << 4);
            }
        }
        Planes::Eight => (0..8).for_each(|v| put(v, q[v])),
        Planes::Two | Planes::TwoOne => {
            for p in 0..2 {
                put(
                    p,
                    (0..4).fold(0, |word, f| word | (q[4 * p + f] & TWO) << (2 * f)),
                );
            }
        }
    }
    let bit = |shift: u32| (0..8).fold(0, |word, v| word | (q[v] >> shift & ONE) << v);
    match planes {
        Planes::FourOne => put(4, bit(4)),
        Planes::TwoOne => put(2, bit(2)),
        Planes::FourTwo => {
            for p in 0..2 {
                put(
                    4 + p,
                    (0..4).fold(0, |word, f| word | (q[4 * p + f] >> 4 & TWO) << (2 * f)),
                );
            }
        }
        Planes::Four | Planes::Eight | Planes::Two | Planes::Blocks => {}
    }
}
