//! Blocks of 32 elements. Element j sits in the low nibble of byte j, element j + 16 in its high nibble.

use super::plain::f16_at;

pub(super) fn q4_0(block: &[u8; 18], y: &mut [f32; 32]) {
    let d = f16_at(block, 0);
    for j in 0..16 {
        let q = block[2 + j];
        y[j] = (f32::from(q & 15) - 8.0) * d;
        y[j + 16] = (f32::from(q >> 4) - 8.0) * d;
    }
}

pub(super) fn q4_1(block: &[u8; 20], y: &mut [f32; 32]) {
    let (d, m) = (f16_at(block, 0), f16_at(block, 2));
    for j in 0..16 {
        let q = block[4 + j];
        y[j] = f32::from(q & 15) * d + m;
        y[j + 16] = f32::from(q >> 4) * d + m;
    }
}

pub(super) fn q5_0(block: &[u8; 22], y: &mut [f32; 32]) {
    let d = f16_at(block, 0);
    let high = u32::from_le_bytes([block[2], block[3], block[4], block[5]]);
    for j in 0..16 {
        let q = block[6 + j];
        y[j] = (f32::from(q & 15 | fifth_bit(high, j)) - 16.0) * d;
        y[j + 16] = (f32::from(q >> 4 | fifth_bit(high, j + 16)) - 16.0) * d;
    }
}

pub(super) fn q5_1(block: &[u8; 24], y: &mut [f32; 32]) {
    let (d, m) = (f16_at(block, 0), f16_at(block, 2));
    let high = u32::from_le_bytes([block[4], block[5], block[6], block[7]]);
    for j in 0..16 {
        let q = block[8 + j];
        y[j] = f32::from(q & 15 | fifth_bit(high, j)) * d + m;
        y[j + 16] = f32::from(q >> 4 | fifth_bit(high, j + 16)) * d + m;
    }
}

fn fifth_bit(high: u32, element: usize) -> u8 {
    ((high >> element & 1) as u8) << 4
}

pub(super) fn q8_0(block: &[u8; 34], y: &mut [f32; 32]) {
    let d = f16_at(block, 0);
    for (q, y) in block[2..].iter().zip(y) {
        *y = f32::from(*q as i8) * d;
    }
}
