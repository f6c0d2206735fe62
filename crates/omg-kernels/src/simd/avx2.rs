use std::arch::x86_64::*;

use super::Simd;

/// AVX2, FMA and F16C: sixteen lanes are two registers.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// # Safety
    /// The CPU has the features named above.
    pub(crate) unsafe fn new() -> Self {
        Self(())
    }
}

/// Calls of intrinsics are sound because a value of `Avx2` exists only where the CPU has them; pointers are vouched for by
/// the caller of the method.
macro_rules! on {
    ($e:expr) => {{
        // SAFETY: see the macro.
        unsafe { $e }
    }};
}

type F = (__m256, __m256);
type I = (__m256i, __m256i);

impl Simd for Avx2 {
    type F = F;
    type I = I;
    type B = I;
    const BLOCK_ROWS: usize = 2;

    #[inline(always)]
    fn splat(self, x: f32) -> F {
        on!((_mm256_set1_ps(x), _mm256_set1_ps(x)))
    }
    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> F {
        on!((_mm256_loadu_ps(p), _mm256_loadu_ps(p.add(8))))
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32, x: F) {
        on!({
            _mm256_storeu_ps(p, x.0);
            _mm256_storeu_ps(p.add(8), x.1);
        });
    }
    #[inline(always)]
    unsafe fn load_f16(self, p: *const u16) -> F {
        on!((
            _mm256_cvtph_ps(_mm_loadu_si128(p.cast())),
            _mm256_cvtph_ps(_mm_loadu_si128(p.add(8).cast()))
        ))
    }
    #[inline(always)]
    unsafe fn load_bf16(self, p: *const u16) -> F {
        on!((
            _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(
                _mm_loadu_si128(p.cast())
            ))),
            _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(
                _mm_loadu_si128(p.add(8).cast())
            )))
        ))
    }
    #[inline(always)]
    unsafe fn load_u8(self, p: *const u8) -> F {
        on!((
            _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(p.cast()))),
            _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(p.add(8).cast())))
        ))
    }
    #[inline(always)]
    fn add(self, a: F, b: F) -> F {
        on!((_mm256_add_ps(a.0, b.0), _mm256_add_ps(a.1, b.1)))
    }
    #[inline(always)]
    fn sub(self, a: F, b: F) -> F {
        on!((_mm256_sub_ps(a.0, b.0), _mm256_sub_ps(a.1, b.1)))
    }
    #[inline(always)]
    fn mul(self, a: F, b: F) -> F {
        on!((_mm256_mul_ps(a.0, b.0), _mm256_mul_ps(a.1, b.1)))
    }
    #[inline(always)]
    fn div(self, a: F, b: F) -> F {
        on!((_mm256_div_ps(a.0, b.0), _mm256_div_ps(a.1, b.1)))
    }
    #[inline(always)]
    fn max(self, a: F, b: F) -> F {
        on!((_mm256_max_ps(a.0, b.0), _mm256_max_ps(a.1, b.1)))
    }
    #[inline(always)]
    fn min(self, a: F, b: F) -> F {
        on!((_mm256_min_ps(a.0, b.0), _mm256_min_ps(a.1, b.1)))
    }
    #[inline(always)]
    fn fma(self, a: F, b: F, c: F) -> F {
        on!((
            _mm256_fmadd_ps(a.0, b.0, c.0),
            _mm256_fmadd_ps(a.1, b.1, c.1)
        ))
    }
    #[inline(always)]
    fn fma_exact(self, a: F, b: F, c: F) -> F {
        self.fma(a, b, c)
    }
    #[inline(always)]
    fn select(self, mask: u16, a: F, b: F) -> F {
        on!({
            let bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
            let lanes = |mask: u16| {
                _mm256_castsi256_ps(_mm256_cmpeq_epi32(
                    _mm256_and_si256(_mm256_set1_epi32(i32::from(mask)), bits),
                    bits,
                ))
            };
            (
                _mm256_blendv_ps(b.0, a.0, lanes(mask & 255)),
                _mm256_blendv_ps(b.1, a.1, lanes(mask >> 8)),
            )
        })
    }
    #[inline(always)]
    fn exp2_whole(self, n: F) -> F {
        on!({
            let bias = _mm256_set1_epi32(127);
            (
                _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_add_epi32(
                    _mm256_cvtps_epi32(n.0),
                    bias,
                ))),
                _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_add_epi32(
                    _mm256_cvtps_epi32(n.1),
                    bias,
                ))),
            )
        })
    }
    #[inline(always)]
    fn to_array(self, x: F) -> [f32; 16] {
        let mut out = [0.0; 16];
        // SAFETY: 16 floats.
        unsafe { self.store(out.as_mut_ptr(), x) };
        out
    }
    #[inline(always)]
    fn splat_i32(self, x: i32) -> I {
        on!((_mm256_set1_epi32(x), _mm256_set1_epi32(x)))
    }
    #[inline(always)]
    unsafe fn load_i32(self, p: *const i32) -> I {
        on!((
            _mm256_loadu_si256(p.cast()),
            _mm256_loadu_si256(p.add(8).cast())
        ))
    }
    #[inline(always)]
    fn shl_i32<const N: u32>(self, x: I) -> I {
        on!({
            let n = _mm_cvtsi32_si128(N as i32);
            (_mm256_sll_epi32(x.0, n), _mm256_sll_epi32(x.1, n))
        })
    }
    #[inline(always)]
    fn to_f32(self, x: I) -> F {
        on!((_mm256_cvtepi32_ps(x.0), _mm256_cvtepi32_ps(x.1)))
    }
    #[inline(always)]
    unsafe fn load_bytes(self, p: *const u8) -> I {
        on!((
            _mm256_loadu_si256(p.cast()),
            _mm256_loadu_si256(p.add(32).cast())
        ))
    }
    #[inline(always)]
    unsafe fn store_bytes(self, p: *mut u8, x: I) {
        on!({
            _mm256_storeu_si256(p.cast(), x.0);
            _mm256_storeu_si256(p.add(32).cast(), x.1);
        });
    }
    #[inline(always)]
    fn splat_byte(self, x: u8) -> I {
        on!((_mm256_set1_epi8(x as i8), _mm256_set1_epi8(x as i8)))
    }
    #[inline(always)]
    fn and(self, a: I, b: I) -> I {
        on!((_mm256_and_si256(a.0, b.0), _mm256_and_si256(a.1, b.1)))
    }
    #[inline(always)]
    fn or(self, a: I, b: I) -> I {
        on!((_mm256_or_si256(a.0, b.0), _mm256_or_si256(a.1, b.1)))
    }
    #[inline(always)]
    fn shr<const N: u32>(self, x: I) -> I {
        on!({
            let n = _mm_cvtsi32_si128(N as i32);
            (_mm256_srl_epi16(x.0, n), _mm256_srl_epi16(x.1, n))
        })
    }
    #[inline(always)]
    fn shl<const N: u32>(self, x: I) -> I {
        on!({
            let n = _mm_cvtsi32_si128(N as i32);
            (_mm256_sll_epi16(x.0, n), _mm256_sll_epi16(x.1, n))
        })
    }
    #[inline(always)]
    fn lookup(self, table: &[u8; 16], x: I) -> I {
        on!({
            let table = _mm256_broadcastsi128_si256(_mm_loadu_si128(table.as_ptr().cast()));
            (
                _mm256_shuffle_epi8(table, x.0),
                _mm256_shuffle_epi8(table, x.1),
            )
        })
    }
    #[inline(always)]
    unsafe fn dot<const WIDE: bool>(self, acc: I, w: I, x: *const i8) -> I {
        on!({
            let x = _mm256_set1_epi32(x.cast::<i32>().read_unaligned());
            let ones = _mm256_set1_epi16(1);
            if WIDE {
                // Sums of two products of 8-bit quants do not fit 16 bits; those of 7 bits, and of the bit 128 alone, do.
                let (low, high) = (_mm256_set1_epi8(0x7f), _mm256_set1_epi8(i8::MIN));
                let sum = |w: __m256i| {
                    _mm256_add_epi32(
                        _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_and_si256(w, low), x), ones),
                        _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_and_si256(w, high), x), ones),
                    )
                };
                (
                    _mm256_add_epi32(acc.0, sum(w.0)),
                    _mm256_add_epi32(acc.1, sum(w.1)),
                )
            } else {
                (
                    _mm256_add_epi32(acc.0, _mm256_madd_epi16(_mm256_maddubs_epi16(w.0, x), ones)),
                    _mm256_add_epi32(acc.1, _mm256_madd_epi16(_mm256_maddubs_epi16(w.1, x), ones)),
                )
            }
        })
    }
    #[inline(always)]
    fn prefetch(self, p: *const u8) {
        on!(_mm_prefetch::<_MM_HINT_T0>(p.cast()));
    }
    #[inline(always)]
    fn below(self, x: F, limit: f32) -> u16 {
        on!({
            let limit = _mm256_set1_ps(limit);
            let low = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LT_OQ>(x.0, limit));
            let high = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LT_OQ>(x.1, limit));
            (low | high << 8) as u16
        })
    }
}
