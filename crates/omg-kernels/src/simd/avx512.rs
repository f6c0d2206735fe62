use std::arch::x86_64::*;

use super::Simd;

/// AVX-512 F, BW, DQ, VL and VNNI.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// # Safety
    /// The CPU has the features named above.
    pub(crate) unsafe fn new() -> Self {
        Self(())
    }
}

/// Calls of intrinsics are sound because a value of `Avx512` exists only where the CPU has them; pointers are vouched
/// for by the caller of the method.
macro_rules! on {
    ($e:expr) => {{
        // SAFETY: see the macro.
        unsafe { $e }
    }};
}

impl Simd for Avx512 {
    type F = __m512;
    type I = __m512i;
    type B = __m512i;
    const BLOCK_ROWS: usize = 8;

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        on!(_mm512_set1_ps(x))
    }
    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> __m512 {
        on!(_mm512_loadu_ps(p))
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32, x: __m512) {
        on!(_mm512_storeu_ps(p, x));
    }
    #[inline(always)]
    unsafe fn load_f16(self, p: *const u16) -> __m512 {
        on!(_mm512_cvtph_ps(_mm256_loadu_si256(p.cast())))
    }
    #[inline(always)]
    unsafe fn load_bf16(self, p: *const u16) -> __m512 {
        on!(_mm512_castsi512_ps(_mm512_slli_epi32::<16>(
            _mm512_cvtepu16_epi32(_mm256_loadu_si256(p.cast()))
        )))
    }
    #[inline(always)]
    unsafe fn load_u8(self, p: *const u8) -> __m512 {
        on!(_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(
            p.cast()
        ))))
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        on!(_mm512_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        on!(_mm512_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        on!(_mm512_mul_ps(a, b))
    }
    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        on!(_mm512_div_ps(a, b))
    }
    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        on!(_mm512_max_ps(a, b))
    }
    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        on!(_mm512_min_ps(a, b))
    }
    #[inline(always)]
    fn fma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        on!(_mm512_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn fma_exact(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        on!(_mm512_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn select(self, mask: u16, a: __m512, b: __m512) -> __m512 {
        on!(_mm512_mask_blend_ps(mask, b, a))
    }
    #[inline(always)]
    fn exp2_whole(self, n: __m512) -> __m512 {
        on!(_mm512_castsi512_ps(_mm512_slli_epi32::<23>(
            _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127))
        )))
    }
    #[inline(always)]
    fn to_array(self, x: __m512) -> [f32; 16] {
        let mut out = [0.0; 16];
        on!(_mm512_storeu_ps(out.as_mut_ptr(), x));
        out
    }
    #[inline(always)]
    fn splat_i32(self, x: i32) -> __m512i {
        on!(_mm512_set1_epi32(x))
    }
    #[inline(always)]
    unsafe fn load_i32(self, p: *const i32) -> __m512i {
        on!(_mm512_loadu_si512(p.cast()))
    }
    #[inline(always)]
    fn shl_i32<const N: u32>(self, x: __m512i) -> __m512i {
        on!(_mm512_slli_epi32::<N>(x))
    }
    #[inline(always)]
    fn to_f32(self, x: __m512i) -> __m512 {
        on!(_mm512_cvtepi32_ps(x))
    }
    #[inline(always)]
    unsafe fn load_bytes(self, p: *const u8) -> __m512i {
        on!(_mm512_loadu_si512(p.cast()))
    }
    #[inline(always)]
    unsafe fn store_bytes(self, p: *mut u8, x: __m512i) {
        on!(_mm512_storeu_si512(p.cast(), x));
    }
    #[inline(always)]
    fn splat_byte(self, x: u8) -> __m512i {
        on!(_mm512_set1_epi8(x as i8))
    }
    #[inline(always)]
    fn and(self, a: __m512i, b: __m512i) -> __m512i {
        on!(_mm512_and_si512(a, b))
    }
    #[inline(always)]
    fn or(self, a: __m512i, b: __m512i) -> __m512i {
        on!(_mm512_or_si512(a, b))
    }
    #[inline(always)]
    fn shr<const N: u32>(self, x: __m512i) -> __m512i {
        on!(_mm512_srli_epi16::<N>(x))
    }
    #[inline(always)]
    fn shl<const N: u32>(self, x: __m512i) -> __m512i {
        on!(_mm512_slli_epi16::<N>(x))
    }
    #[inline(always)]
    fn lookup(self, table: &[u8; 16], x: __m512i) -> __m512i {
        on!(_mm512_shuffle_epi8(
            _mm512_broadcast_i32x4(_mm_loadu_si128(table.as_ptr().cast())),
            x
        ))
    }
    #[inline(always)]
    unsafe fn dot<const WIDE: bool>(self, acc: __m512i, w: __m512i, x: *const i8) -> __m512i {
        on!(_mm512_dpbusd_epi32(
            acc,
            w,
            _mm512_set1_epi32(x.cast::<i32>().read_unaligned())
        ))
    }
    #[inline(always)]
    fn prefetch(self, p: *const u8) {
        on!(_mm_prefetch::<_MM_HINT_T0>(p.cast()));
    }
    #[inline(always)]
    fn below(self, x: __m512, limit: f32) -> u16 {
        on!(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(x, _mm512_set1_ps(limit)))
    }
}
