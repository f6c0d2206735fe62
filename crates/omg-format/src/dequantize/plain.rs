//! Numbers as they are.

pub(super) fn each<const N: usize>(bytes: &[u8], out: &mut [f32], convert: fn([u8; N]) -> f32) {
    for (chunk, y) in bytes.as_chunks::<N>().0.iter().zip(out) {
        *y = convert(*chunk);
    }
}

pub(super) fn f16_at(block: &[u8], at: usize) -> f32 {
    half::f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}
