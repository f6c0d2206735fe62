//! Types of one to three bits, whose codes are entries of a codebook.

use super::codes::Codes;
use super::grids::{self, even_signs, signed};
use super::plain::f16_at;

fn word(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

fn pair(bytes: &[u8]) -> u16 {
    u16::from_le_bytes([bytes[0], bytes[1]])
}

/// d, then for each 32: 4 indices, a word of four times 7 signs with the scale in its top 4 bits.
pub(super) fn iq2_xxs(block: &[u8], out: &mut Codes) {
    let d = f16_at(block, 0);
    for (group, bytes) in block[2..66].chunks_exact(8).enumerate() {
        let rest = word(&bytes[4..]);
        out.scales[group] = d * (0.5 + (rest >> 28) as f32) * 0.25;
        for (l, index) in bytes[..4].iter().enumerate() {
            let signs = even_signs(rest >> (7 * l));
            out.put(
                4 * group + l,
                signed(grids::IQ2_XXS[usize::from(*index)], signs),
            );
        }
    }
}

/// d, qs u16[32] (9 bits of index, 7 signs), scales[8], a nibble per 16.
pub(super) fn iq2_xs(block: &[u8], out: &mut Codes) {
    nibble_scales(f16_at(block, 0), &block[66..74], out);
    for (l, bytes) in block[2..66].chunks_exact(2).enumerate() {
        let q = pair(bytes);
        let signs = even_signs(u32::from(q >> 9));
        out.put(l, signed(grids::IQ2_XS[usize::from(q & 511)], signs));
    }
}

/// d, low bits of the indices[32], signs[32], their high bits qh[8], scales[8].
pub(super) fn iq2_s(block: &[u8], out: &mut Codes) {
    nibble_scales(f16_at(block, 0), &block[74..82], out);
    let (low, signs, high) = (&block[2..34], &block[34..66], &block[66..74]);
    for l in 0..32 {
        let index = usize::from(low[l]) | usize::from(high[l / 4] >> (2 * (l % 4)) & 3) << 8;
        out.put(l, signed(grids::IQ2_S[index], signs[l]));
    }
}

fn nibble_scales(d: f32, scales: &[u8], out: &mut Codes) {
    for (group, scale) in out.scales.iter_mut().enumerate() {
        let nibble = scales[group / 2] >> (4 * (group % 2)) & 15;
        *scale = d * (0.5 + f32::from(nibble)) * 0.25;
    }
}

/// d, indices[64], then per 32 a word as in IQ2_XXS.
pub(super) fn iq3_xxs(block: &[u8], out: &mut Codes) {
    let d = f16_at(block, 0);
    let (indices, words) = (&block[2..66], &block[66..98]);
    for (group, bytes) in words.chunks_exact(4).enumerate() {
        let rest = word(bytes);
        out.scales[group] = d * (0.5 + (rest >> 28) as f32) * 0.5;
        for l in 0..4 {
            let at = 8 * group + 2 * l;
            let entry = |index: u8| u64::from(grids::IQ3_XXS[usize::from(index)]);
            let values = entry(indices[at]) | entry(indices[at + 1]) << 32;
            out.put(4 * group + l, signed(values, even_signs(rest >> (7 * l))));
        }
    }
}

/// d, low bits of the indices[64], their ninth bits qh[8], signs[32], scales[4], a nibble per 32.
pub(super) fn iq3_s(block: &[u8], out: &mut Codes) {
    let d = f16_at(block, 0);
    let (low, high, signs, scales) = (
        &block[2..66],
        &block[66..74],
        &block[74..106],
        &block[106..110],
    );
    for group in 0..8 {
        let nibble = scales[group / 2] >> (4 * (group % 2)) & 15;
        out.scales[group] = d * f32::from(1 + 2 * nibble);
        for l in 0..4 {
            let at = 8 * group + 2 * l;
            let entry = |l: usize| {
                let ninth = usize::from(high[group] >> l & 1) << 8;
                u64::from(grids::IQ3_S[usize::from(low[8 * group + l]) | ninth])
            };
            let values = entry(2 * l) | entry(2 * l + 1) << 32;
            out.put(at / 2, signed(values, signs[at / 2]));
        }
    }
}

/// d, low bits of the indices[32], qh u16[8]: four times 3 high bits, 3 bits of scale, and whether the eighth is negative.
pub(super) fn iq1_s(block: &[u8], out: &mut Codes) {
    let d = f16_at(block, 0);
    for (group, bytes) in block[34..50].chunks_exact(2).enumerate() {
        let high = pair(bytes);
        out.scales[group] = d * f32::from(2 * (high >> 12 & 7) + 1) * 0.125;
        for l in 0..4 {
            let index =
                usize::from(block[2 + 4 * group + l]) | usize::from(high >> (3 * l) & 7) << 8;
            out.put(4 * group + l, shifted(index, high & 0x8000 != 0));
        }
    }
}

/// Low bits of the indices[32], qh[16]: nibbles of 3 high bits and the sign of the eighth; scales u16[4], each with 3 bits for
/// four times 16 and, on top, a nibble of d.
pub(super) fn iq1_m(block: &[u8], out: &mut Codes) {
    let (low, high) = (&block[..32], &block[32..48]);
    let scales: [u16; 4] = std::array::from_fn(|i| pair(&block[48 + 2 * i..]));
    let d = (0..4).fold(0, |d, i| d | (scales[i] >> 12) << (4 * i));
    let d = half::f16::from_bits(d).to_f32();
    for (group, scale) in out.scales.iter_mut().enumerate() {
        let bits = scales[group / 4] >> (3 * (group % 4)) & 7;
        *scale = d * f32::from(2 * bits + 1) * 0.125;
    }
    for l in 0..32 {
        let nibble = high[l / 2] >> (4 * (l % 2));
        let index = usize::from(low[l]) | usize::from(nibble & 7) << 8;
        out.put(l, shifted(index, nibble & 8 != 0));
    }
}

/// An entry of the codebook of one bit in eighths, with an eighth added or taken away.
fn shifted(index: usize, down: bool) -> u64 {
    grids::add_bytes(
        grids::IQ1[index],
        if down {
            u64::MAX
        } else {
            0x0101_0101_0101_0101
        },
    )
}
