pub(super) fn each<const N: usize>(bytes: &[u8], out: &mut [f32], convert: fn([u8; N]) -> f32) {
    for (chunk, y) in bytes.as_chunks::<N>().0.iter().zip(out) {
        *y = convert(*chunk);
    }
}
