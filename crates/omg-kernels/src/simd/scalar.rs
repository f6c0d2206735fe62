use half::{bf16, f16};

use super::Simd;

/// Plain Rust: the reference, and what runs on CPUs without a faster implementation.
#[derive(Clone, Copy)]
pub(crate) struct Scalar;

#[inline(always)]
fn map<T: Copy, U>(a: [T; 16], f: impl Fn(T) -> U) -> [U; 16] {
    a.map(f)
}

#[inline(always)]
fn zip(a: [f32; 16], b: [f32; 16], f: impl Fn(f32, f32) -> f32) -> [f32; 16] {
    std::array::from_fn(|i| f(a[i], b[i]))
}

#[inline(always)]
fn pairs(x: [u8; 64], f: impl Fn(u16) -> u16) -> [u8; 64] {
    let mut out = [0; 64];
    for (o, i) in out.chunks_exact_mut(2).zip(x.chunks_exact(2)) {
        o.copy_from_slice(&f(u16::from_le_bytes([i[0], i[1]])).to_le_bytes());
    }
    out
}

impl Simd for Scalar {
    type F = [f32; 16];
    type I = [i32; 16];
    type B = [u8; 64];
    const BLOCK_ROWS: usize = 4;

    #[inline(always)]
    fn splat(self, x: f32) -> [f32; 16] {
        [x; 16]
    }
    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> [f32; 16] {
        // SAFETY: the caller vouches for 16 floats.
        unsafe { p.cast::<[f32; 16]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32, x: [f32; 16]) {
        // SAFETY: the caller vouches for 16 floats.
        unsafe { p.cast::<[f32; 16]>().write_unaligned(x) }
    }
    #[inline(always)]
    unsafe fn load_f16(self, p: *const u16) -> [f32; 16] {
        // SAFETY: the caller vouches for 16 half floats.
        map(unsafe { p.cast::<[u16; 16]>().read_unaligned() }, |b| {
            f16::from_bits(b).to_f32()
        })
    }
    #[inline(always)]
    unsafe fn load_bf16(self, p: *const u16) -> [f32; 16] {
        // SAFETY: the caller vouches for 16 bfloat16.
        map(unsafe { p.cast::<[u16; 16]>().read_unaligned() }, |b| {
            bf16::from_bits(b).to_f32()
        })
    }
    #[inline(always)]
    unsafe fn load_u8(self, p: *const u8) -> [f32; 16] {
        // SAFETY: the caller vouches for 16 bytes.
        map(unsafe { p.cast::<[u8; 16]>().read() }, f32::from)
    }
    #[inline(always)]
    fn add(self, a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        zip(a, b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        zip(a, b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        zip(a, b, |a, b| a * b)
    }
    #[inline(always)]
    fn div(self, a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        zip(a, b, |a, b| a / b)
    }
    #[inline(always)]
    fn max(self, a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        zip(a, b, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn min(self, a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        zip(a, b, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    fn fma(self, a: [f32; 16], b: [f32; 16], c: [f32; 16]) -> [f32; 16] {
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }
    #[inline(always)]
    fn fma_exact(self, a: [f32; 16], b: [f32; 16], c: [f32; 16]) -> [f32; 16] {
        std::array::from_fn(|i| a[i].mul_add(b[i], c[i]))
    }
    #[inline(always)]
    fn select(self, mask: u16, a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        std::array::from_fn(|i| if mask >> i & 1 == 1 { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn exp2_whole(self, n: [f32; 16]) -> [f32; 16] {
        // The cast saturates, so a NaN gives 1 and not undefined behaviour.
        map(n, |n| f32::from_bits(((n as i32 + 127) << 23) as u32))
    }
    #[inline(always)]
    fn to_array(self, x: [f32; 16]) -> [f32; 16] {
        x
    }
    #[inline(always)]
    fn splat_i32(self, x: i32) -> [i32; 16] {
        [x; 16]
    }
    #[inline(always)]
    unsafe fn load_i32(self, p: *const i32) -> [i32; 16] {
        // SAFETY: the caller vouches for 16 integers.
        unsafe { p.cast::<[i32; 16]>().read() }
    }
    #[inline(always)]
    fn shl_i32<const N: u32>(self, x: [i32; 16]) -> [i32; 16] {
        map(x, |x| x << N)
    }
    #[inline(always)]
    fn to_f32(self, x: [i32; 16]) -> [f32; 16] {
        map(x, |x| x as f32)
    }
    #[inline(always)]
    unsafe fn load_bytes(self, p: *const u8) -> [u8; 64] {
        // SAFETY: the caller vouches for 64 bytes.
        unsafe { p.cast::<[u8; 64]>().read() }
    }
    #[inline(always)]
    unsafe fn store_bytes(self, p: *mut u8, x: [u8; 64]) {
        // SAFETY: the caller vouches for 64 bytes.
        unsafe { p.cast::<[u8; 64]>().write(x) }
    }
    #[inline(always)]
    fn splat_byte(self, x: u8) -> [u8; 64] {
        [x; 64]
    }
    #[inline(always)]
    fn and(self, a: [u8; 64], b: [u8; 64]) -> [u8; 64] {
        std::array::from_fn(|i| a[i] & b[i])
    }
    #[inline(always)]
    fn or(self, a: [u8; 64], b: [u8; 64]) -> [u8; 64] {
        std::array::from_fn(|i| a[i] | b[i])
    }
    #[inline(always)]
    fn shr<const N: u32>(self, x: [u8; 64]) -> [u8; 64] {
        pairs(x, |p| p >> N)
    }
    #[inline(always)]
    fn shl<const N: u32>(self, x: [u8; 64]) -> [u8; 64] {
        pairs(x, |p| p << N)
    }
    #[inline(always)]
    fn lookup(self, table: &[u8; 16], x: [u8; 64]) -> [u8; 64] {
        x.map(|i| table[usize::from(i & 15)])
    }
    #[inline(always)]
    unsafe fn dot<const WIDE: bool>(self, acc: [i32; 16], w: [u8; 64], x: *const i8) -> [i32; 16] {
        // SAFETY: the caller vouches for 4 bytes.
        let x = unsafe { x.cast::<[i8; 4]>().read() };
        std::array::from_fn(|lane| {
            let w = &w[lane * 4..lane * 4 + 4];
            acc[lane]
                + (0..4)
                    .map(|j| i32::from(w[j]) * i32::from(x[j]))
                    .sum::<i32>()
        })
    }
    #[inline(always)]
    fn prefetch(self, _: *const u8) {}
    #[inline(always)]
    fn below(self, x: [f32; 16], limit: f32) -> u16 {
        (0..16).fold(0, |mask, i| mask | u16::from(x[i] < limit) << i)
    }
}
