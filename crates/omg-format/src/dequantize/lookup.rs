//! Types whose four-bit codes index a fixed table. Nibble order as in Q4_0.

use super::plain::f16_at;

const IQ4: [f32; 16] = [
    -127.0, -104.0, -83.0, -65.0, -49.0, -35.0, -22.0, -10.0, 1.0, 13.0, 25.0, 38.0, 53.0, 69.0,
    89.0, 113.0,
];
/// E2M1.
const FP4: [f32; 16] = [
    0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0,
];

pub(super) fn iq4_nl(block: &[u8; 18], y: &mut [f32; 32]) {
    nibbles(&block[2..], f16_at(block, 0), &IQ4, y);
}

/// d, scales_h u16, scales_l[4], qs[128].
pub(super) fn iq4_xs(block: &[u8; 136], y: &mut [f32; 256]) {
    let d = f16_at(block, 0);
    let scales_high = u16::from_le_bytes([block[2], block[3]]);
    for (sub, y) in y.as_chunks_mut::<32>().0.iter_mut().enumerate() {
        let low = block[4 + sub / 2] >> (4 * (sub % 2)) & 15;
        let high = (scales_high >> (2 * sub) & 3) as u8;
        let scale = d * (f32::from(low | high << 4) - 32.0);
        nibbles(&block[8 + 16 * sub..24 + 16 * sub], scale, &IQ4, y);
    }
}

/// e (the scale is 2^(e − 127)), qs[16].
pub(super) fn mxfp4(block: &[u8; 17], y: &mut [f32; 32]) {
    let scale = f64::from(i32::from(block[0]) - 127).exp2();
    for j in 0..16 {
        let q = block[1 + j];
        y[j] = (scale * f64::from(FP4[usize::from(q & 15)])) as f32;
        y[j + 16] = (scale * f64::from(FP4[usize::from(q >> 4)])) as f32;
    }
}

fn nibbles(qs: &[u8], scale: f32, table: &[f32; 16], y: &mut [f32; 32]) {
    for (j, q) in qs.iter().enumerate() {
        y[j] = scale * table[usize::from(q & 15)];
        y[j + 16] = scale * table[usize::from(q >> 4)];
    }
}
