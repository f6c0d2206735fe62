use std::arch::aarch64::*;

use super::Simd;

/// NEON with the dot-product extension: sixteen lanes are four registers.
#[derive(Clone, Copy)]
pub(crate) struct Neon(());

impl Neon {
    /// # Safety
    /// The CPU has NEON and its dot-product extension.
    pub(crate) unsafe fn new() -> Self {
        Self(())
    }
}

/// Calls of intrinsics are sound because a value of `Neon` exists only where the CPU has them; pointers are vouched for by
/// the caller of the method.
macro_rules! on {
    ($e:expr) => {{
        #[allow(
            unused_unsafe,
            reason = "some of these intrinsics are safe where NEON is always there"
        )]
        // SAFETY: see the macro.
        unsafe {
            $e
        }
    }};
}

/// One expression for each of the four registers.
macro_rules! four {
    ($i:ident => $e:expr) => {
        on!([
            { const $i: usize = 0; $e },
            { const $i: usize = 1; $e },
            { const $i: usize = 2; $e },
            { const $i: usize = 3; $e }
        ])
    };
}

type F = [float32x4_t; 4];
type I = [int32x4_t; 4];
type B = [uint8x16_t; 4];

impl Simd for Neon {
    type F = F;
    type I = I;
    type B = B;
    const BLOCK_ROWS: usize = 2;

    #[inline(always)]
    fn splat(self, x: f32) -> F {
        on!([vdupq_n_f32(x); 4])
    }
    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> F {
        four!(K => vld1q_f32(p.add(4 * K)))
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32, x: F) {
        four!(K => vst1q_f32(p.add(4 * K), x[K]));
    }
    #[inline(always)]
    unsafe fn load_f16(self, p: *const u16) -> F {
        // The half-float intrinsics of NEON are not stable, so this is done on the bits: the exponent is moved and put right
        // by a multiplication, which also makes subnormals normal; infinity and NaN get the largest exponent back.
        four!(K => {
            let h = vmovl_u16(vld1_u16(p.add(4 * K)));
            let sign = vshlq_n_u32::<16>(vandq_u32(h, vdupq_n_u32(0x8000)));
            let size = vandq_u32(h, vdupq_n_u32(0x7fff));
            let scaled = vmulq_f32(
                vreinterpretq_f32_u32(vshlq_n_u32::<13>(size)),
                vdupq_n_f32(f32::from_bits((254 - 15) << 23)),
            );
            let special = vandq_u32(vcgtq_u32(size, vdupq_n_u32(0x7bff)), vdupq_n_u32(0x7f80_0000));
            vreinterpretq_f32_u32(vorrq_u32(vorrq_u32(vreinterpretq_u32_f32(scaled), special), sign))
        })
    }
    #[inline(always)]
    unsafe fn load_bf16(self, p: *const u16) -> F {
        four!(K => vreinterpretq_f32_u32(vshll_n_u16::<16>(vld1_u16(p.add(4 * K)))))
    }
    #[inline(always)]
    unsafe fn load_u8(self, p: *const u8) -> F {
        on!({
            let x = vld1q_u8(p);
            let (low, high) = (vmovl_u8(vget_low_u8(x)), vmovl_u8(vget_high_u8(x)));
            [
                vcvtq_f32_u32(vmovl_u16(vget_low_u16(low))),
                vcvtq_f32_u32(vmovl_u16(vget_high_u16(low))),
                vcvtq_f32_u32(vmovl_u16(vget_low_u16(high))),
                vcvtq_f32_u32(vmovl_u16(vget_high_u16(high))),
            ]
        })
    }
    #[inline(always)]
    fn add(self, a: F, b: F) -> F {
        four!(K => vaddq_f32(a[K], b[K]))
    }
    #[inline(always)]
    fn sub(self, a: F, b: F) -> F {
        four!(K => vsubq_f32(a[K], b[K]))
    }
    #[inline(always)]
    fn mul(self, a: F, b: F) -> F {
        four!(K => vmulq_f32(a[K], b[K]))
    }
    #[inline(always)]
    fn div(self, a: F, b: F) -> F {
        four!(K => vdivq_f32(a[K], b[K]))
    }
    #[inline(always)]
    fn max(self, a: F, b: F) -> F {
        // Not `vmaxq`: what a NaN gives must be the same everywhere.
        four!(K => vbslq_f32(vcgtq_f32(a[K], b[K]), a[K], b[K]))
    }
    #[inline(always)]
    fn min(self, a: F, b: F) -> F {
        four!(K => vbslq_f32(vcltq_f32(a[K], b[K]), a[K], b[K]))
    }
    #[inline(always)]
    fn fma(self, a: F, b: F, c: F) -> F {
        four!(K => vfmaq_f32(c[K], a[K], b[K]))
    }
    #[inline(always)]
    fn fma_exact(self, a: F, b: F, c: F) -> F {
        self.fma(a, b, c)
    }
    #[inline(always)]
    fn select(self, mask: u16, a: F, b: F) -> F {
        four!(K => {
            let bits: [u32; 4] = [1 << (4 * K), 2 << (4 * K), 4 << (4 * K), 8 << (4 * K)];
            let lanes = vtstq_u32(vdupq_n_u32(mask as u32), vld1q_u32(bits.as_ptr()));
            vbslq_f32(lanes, a[K], b[K])
        })
    }
    #[inline(always)]
    fn exp2_whole(self, n: F) -> F {
        four!(K => vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(vcvtq_s32_f32(n[K]), vdupq_n_s32(127)))))
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
        on!([vdupq_n_s32(x); 4])
    }
    #[inline(always)]
    unsafe fn load_i32(self, p: *const i32) -> I {
        four!(K => vld1q_s32(p.add(4 * K)))
    }
    #[inline(always)]
    fn shl_i32<const N: u32>(self, x: I) -> I {
        four!(K => vshlq_s32(x[K], vdupq_n_s32(N as i32)))
    }
    #[inline(always)]
    fn to_f32(self, x: I) -> F {
        four!(K => vcvtq_f32_s32(x[K]))
    }
    #[inline(always)]
    unsafe fn load_bytes(self, p: *const u8) -> B {
        four!(K => vld1q_u8(p.add(16 * K)))
    }
    #[inline(always)]
    unsafe fn store_bytes(self, p: *mut u8, x: B) {
        four!(K => vst1q_u8(p.add(16 * K), x[K]));
    }
    #[inline(always)]
    fn splat_byte(self, x: u8) -> B {
        on!([vdupq_n_u8(x); 4])
    }
    #[inline(always)]
    fn and(self, a: B, b: B) -> B {
        four!(K => vandq_u8(a[K], b[K]))
    }
    #[inline(always)]
    fn or(self, a: B, b: B) -> B {
        four!(K => vorrq_u8(a[K], b[K]))
    }
    #[inline(always)]
    fn shr<const N: u32>(self, x: B) -> B {
        four!(K => vreinterpretq_u8_u16(vshlq_u16(vreinterpretq_u16_u8(x[K]), vdupq_n_s16(-(N as i16)))))
    }
    #[inline(always)]
    fn shl<const N: u32>(self, x: B) -> B {
        four!(K => vreinterpretq_u8_u16(vshlq_u16(vreinterpretq_u16_u8(x[K]), vdupq_n_s16(N as i16))))
    }
    #[inline(always)]
    fn lookup(self, table: &[u8; 16], x: B) -> B {
        four!(K => vqtbl1q_u8(vld1q_u8(table.as_ptr()), x[K]))
    }
    #[inline(always)]
    unsafe fn dot<const WIDE: bool>(self, acc: I, w: B, x: *const i8) -> I {
        four!(K => {
            let x = vreinterpretq_s8_s32(vdupq_n_s32(x.cast::<i32>().read_unaligned()));
            if WIDE {
                // The instruction takes signed bytes: 7 bits of the quants and the bit 128 are multiplied apart.
                let low = vreinterpretq_s8_u8(vandq_u8(w[K], vdupq_n_u8(0x7f)));
                let high = vreinterpretq_s8_u8(vshrq_n_u8::<7>(w[K]));
                let top = sdot(vdupq_n_s32(0), high, x);
                sdot(vaddq_s32(acc[K], vshlq_n_s32::<7>(top)), low, x)
            } else {
                sdot(acc[K], vreinterpretq_s8_u8(w[K]), x)
            }
        })
    }
    #[inline(always)]
    fn prefetch(self, p: *const u8) {
        // SAFETY: a hint, which no address can make fail.
        unsafe {
            std::arch::asm!("prfm pldl1strm, [{}]", in(reg) p, options(nostack, preserves_flags, readonly))
        };
    }
    #[inline(always)]
    fn below(self, x: F, limit: f32) -> u16 {
        let x = self.to_array(x);
        (0..16).fold(0, |mask, i| mask | u16::from(x[i] < limit) << i)
    }
}

/// `vdotq_s32`, which is not stable yet.
///
/// # Safety
/// The CPU has the dot-product extension.
#[inline(always)]
unsafe fn sdot(mut acc: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    // SAFETY: one instruction on registers; the caller vouches for the extension.
    unsafe {
        std::arch::asm!(
            ".arch_extension dotprod",
            "sdot {acc:v}.4s, {a:v}.16b, {b:v}.16b",
            acc = inout(vreg) acc, a = in(vreg) a, b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    acc
}
