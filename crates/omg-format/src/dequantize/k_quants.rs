//! Super-blocks of 256 elements whose sub-blocks have quantised scales.

use super::plain::f16_at;

/// scales[16] (scale low, minimum high nibble), qs[64], d, dmin.
pub(super) fn q2_k(block: &[u8; 84], y: &mut [f32; 256]) {
    let (scales, qs) = (&block[..16], &block[16..80]);
    let (d, dmin) = (f16_at(block, 80), f16_at(block, 82));
    for (group, y) in y.as_chunks_mut::<16>().0.iter_mut().enumerate() {
        let (half, shift, side) = place_of_group(group);
        let scale = d * f32::from(scales[group] & 15);
        let minimum = dmin * f32::from(scales[group] >> 4);
        for (l, y) in y.iter_mut().enumerate() {
            let q = qs[32 * half + 16 * side + l] >> shift & 3;
            *y = scale * f32::from(q) - minimum;
        }
    }
}

/// hmask[32], qs[64], scales[12], d. An unset mask bit subtracts 4.
pub(super) fn q3_k(block: &[u8; 110], y: &mut [f32; 256]) {
    let (hmask, qs, packed) = (&block[..32], &block[32..96], &block[96..108]);
    let d = f16_at(block, 108);
    for (group, y) in y.as_chunks_mut::<16>().0.iter_mut().enumerate() {
        let (half, shift, side) = place_of_group(group);
        let low = if group < 8 {
            packed[group] & 15
        } else {
            packed[group - 8] >> 4
        };
        let high = packed[8 + group % 4] >> (2 * (group / 4)) & 3;
        let scale = d * (f32::from(low | high << 4) - 32.0);
        let mask = 1u8 << (4 * half + shift / 2);
        for (l, y) in y.iter_mut().enumerate() {
            let q = (qs[32 * half + 16 * side + l] >> shift & 3) as i8;
            let below = if hmask[16 * side + l] & mask == 0 {
                4
            } else {
                0
            };
            *y = scale * f32::from(q - below);
        }
    }
}

/// Each half of 128 elements has 32 bytes; groups of 16 go through them by shift first: (half, shift, which 16 bytes).
fn place_of_group(group: usize) -> (usize, usize, usize) {
    (group / 8, 2 * (group % 8 / 2), group % 2)
}

/// d, dmin, scales[12], qs[128].
pub(super) fn q4_k(block: &[u8; 144], y: &mut [f32; 256]) {
    let (d, dmin) = (f16_at(block, 0), f16_at(block, 2));
    let (scales, qs) = (&block[4..16], &block[16..]);
    for (sub, y) in y.as_chunks_mut::<32>().0.iter_mut().enumerate() {
        let (scale, minimum) = scale_and_minimum(scales, sub);
        let (scale, minimum) = (d * f32::from(scale), dmin * f32::from(minimum));
        for (l, y) in y.iter_mut().enumerate() {
            let q = qs[32 * (sub / 2) + l] >> (4 * (sub % 2)) & 15;
            *y = scale * f32::from(q) - minimum;
        }
    }
}

/// d, dmin, scales[12], qh[32], qs[128].
pub(super) fn q5_k(block: &[u8; 176], y: &mut [f32; 256]) {
    let (d, dmin) = (f16_at(block, 0), f16_at(block, 2));
    let (scales, qh, qs) = (&block[4..16], &block[16..48], &block[48..]);
    for (sub, y) in y.as_chunks_mut::<32>().0.iter_mut().enumerate() {
        let (scale, minimum) = scale_and_minimum(scales, sub);
        let (scale, minimum) = (d * f32::from(scale), dmin * f32::from(minimum));
        for (l, y) in y.iter_mut().enumerate() {
            let low = qs[32 * (sub / 2) + l] >> (4 * (sub % 2)) & 15;
            let high = qh[l] >> sub & 1;
            *y = scale * f32::from(low | high << 4) - minimum;
        }
    }
}

/// The six-bit pair of sub-block `j` of Q4_K and Q5_K.
fn scale_and_minimum(scales: &[u8], j: usize) -> (u8, u8) {
    if j < 4 {
        (scales[j] & 63, scales[j + 4] & 63)
    } else {
        let low = scales[j + 4];
        (
            low & 15 | scales[j - 4] >> 6 << 4,
            low >> 4 | scales[j] >> 6 << 4,
        )
    }
}

/// ql[128], qh[64], scales i8[16], d.
pub(super) fn q6_k(block: &[u8; 210], y: &mut [f32; 256]) {
    let (ql, qh, scales) = (&block[..128], &block[128..192], &block[192..208]);
    let d = f16_at(block, 208);
    for (quarter, y) in y.as_chunks_mut::<32>().0.iter_mut().enumerate() {
        let (half, part) = (quarter / 4, quarter % 4);
        for (l, y) in y.iter_mut().enumerate() {
            let low = ql[64 * half + 32 * (part % 2) + l] >> (4 * (part / 2)) & 15;
            let high = qh[32 * half + l] >> (2 * part) & 3;
            let scale = scales[8 * half + 2 * part + l / 16] as i8;
            *y = d * f32::from(scale) * (f32::from(low | high << 4) - 32.0);
        }
    }
}
