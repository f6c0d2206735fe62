//! Sixteen lanes of one vocabulary. Every kernel is written once against [`Simd`] and compiled for each instruction
//! set inside a function that enables it ([`Isa::run`](crate::Isa)); the scalar implementation is the reference.

#[cfg(target_arch = "x86_64")]
pub(crate) mod amx;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
#[cfg(target_arch = "aarch64")]
pub(crate) mod neon;
pub(crate) mod scalar;

/// A value of an implementing type proves that the CPU has the instructions, which is why most methods are safe.
/// `F` is 16 f32, `I` is 16 i32, `B` is 64 bytes: 4 for each of the 16 lanes.
pub(crate) trait Simd: Copy {
    type F: Copy;
    type I: Copy;
    type B: Copy;

    /// Activation rows a kernel works on at once, by the number of registers.
    const BLOCK_ROWS: usize;

    fn splat(self, x: f32) -> Self::F;
    /// # Safety
    /// 16 f32 can be read at `p`.
    unsafe fn load(self, p: *const f32) -> Self::F;
    /// # Safety
    /// 16 f32 can be written at `p`.
    unsafe fn store(self, p: *mut f32, x: Self::F);
    /// # Safety
    /// 16 IEEE half floats can be read at `p`.
    unsafe fn load_f16(self, p: *const u16) -> Self::F;
    /// # Safety
    /// 16 bfloat16 can be read at `p`.
    unsafe fn load_bf16(self, p: *const u16) -> Self::F;
    /// # Safety
    /// 16 bytes can be read at `p`.
    unsafe fn load_u8(self, p: *const u8) -> Self::F;
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a * b + c`; one rounding wherever the hardware has it.
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// `a * b + c` with one rounding on every instruction set; slow where the hardware lacks it.
    fn fma_exact(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// Lanes of `a` where the bit of `mask` is set, of `b` elsewhere.
    fn select(self, mask: u16, a: Self::F, b: Self::F) -> Self::F;
    /// 2 to the power of each lane, which holds a whole number in -126..=128; infinity for 128.
    fn exp2_whole(self, n: Self::F) -> Self::F;
    fn to_array(self, x: Self::F) -> [f32; 16];

    fn splat_i32(self, x: i32) -> Self::I;
    /// # Safety
    /// 16 i32 can be read at `p`.
    unsafe fn load_i32(self, p: *const i32) -> Self::I;
    fn shl_i32<const N: u32>(self, x: Self::I) -> Self::I;
    fn to_f32(self, x: Self::I) -> Self::F;

    /// # Safety
    /// 64 bytes can be read at `p`.
    unsafe fn load_bytes(self, p: *const u8) -> Self::B;
    /// # Safety
    /// 64 bytes can be written at `p`.
    unsafe fn store_bytes(self, p: *mut u8, x: Self::B);
    fn splat_byte(self, x: u8) -> Self::B;
    fn and(self, a: Self::B, b: Self::B) -> Self::B;
    fn or(self, a: Self::B, b: Self::B) -> Self::B;
    /// Shifts within 16-bit pairs: mask off what crosses from the neighbour.
    fn shr<const N: u32>(self, x: Self::B) -> Self::B;
    /// Shifts within 16-bit pairs: mask off what crosses from the neighbour.
    fn shl<const N: u32>(self, x: Self::B) -> Self::B;
    /// `table[x]` for each byte, all below 16.
    fn lookup(self, table: &[u8; 16], x: Self::B) -> Self::B;
    /// Adds to each lane the dot product of its 4 unsigned bytes with the 4 signed bytes at `x`, exactly.
    /// `WIDE`: bytes may exceed 127.
    /// # Safety
    /// 4 bytes can be read at `x`.
    unsafe fn dot<const WIDE: bool>(self, acc: Self::I, w: Self::B, x: *const i8) -> Self::I;
    /// Hint that the cache line at `p` is needed soon.
    fn prefetch(self, p: *const u8);

    /// Sum of the lanes, in one fixed order on every instruction set.
    #[inline(always)]
    fn sum(self, x: Self::F) -> f32 {
        let a = self.to_array(x);
        let b: [f32; 8] = std::array::from_fn(|i| a[i] + a[i + 8]);
        let c: [f32; 4] = std::array::from_fn(|i| b[i] + b[i + 4]);
        (c[0] + c[2]) + (c[1] + c[3])
    }

    #[inline(always)]
    fn max_lane(self, x: Self::F) -> f32 {
        let a = self.to_array(x);
        let b: [f32; 8] = std::array::from_fn(|i| if a[i] > a[i + 8] { a[i] } else { a[i + 8] });
        let c: [f32; 4] = std::array::from_fn(|i| if b[i] > b[i + 4] { b[i] } else { b[i + 4] });
        let d: [f32; 2] = std::array::from_fn(|i| if c[i] > c[i + 2] { c[i] } else { c[i + 2] });
        if d[0] > d[1] { d[0] } else { d[1] }
    }

    /// e to the power of each lane, within 2 units in the last place; 0 below -87, infinity from 89 on.
    #[inline(always)]
    fn exp(self, x: Self::F) -> Self::F {
        // In this order of arguments a NaN survives on every instruction set.
        let x = self.min(self.splat(89.0), x);
        let clamped = self.max(self.splat(-87.0), x);
        // Adding and taking away 1.5 * 2^23 rounds to the nearest whole number.
        let magic = self.splat(12_582_912.0);
        let n = self.sub(
            self.add(
                self.mul(clamped, self.splat(std::f32::consts::LOG2_E)),
                magic,
            ),
            magic,
        );
        // ln 2 in two parts, so that the reduced argument keeps its low bits.
        let r = self.fma(n, self.splat(-0.693_359_4), clamped);
        let r = self.fma(n, self.splat(2.121_944_4e-4), r);
        let mut p = self.splat(1.987_569_1e-4);
        for c in [
            1.398_199_9e-3,
            8.333_452e-3,
            4.166_579_6e-2,
            0.166_666_65,
            0.5,
        ] {
            p = self.fma(p, r, self.splat(c));
        }
        let p = self.add(self.fma(self.mul(r, r), p, r), self.splat(1.0));
        let y = self.mul(p, self.exp2_whole(n));
        // Minus infinity must give exactly 0: it is what a masked score is.
        let low = self.below(x, -87.0);
        self.select(low, self.splat(0.0), y)
    }

    /// Bit per lane: `x < limit`.
    fn below(self, x: Self::F, limit: f32) -> u16;

    #[inline(always)]
    fn tanh(self, x: Self::F) -> Self::F {
        let x = self.max(self.splat(-10.0), self.min(self.splat(10.0), x));
        let e = self.exp(self.mul(x, self.splat(2.0)));
        self.sub(
            self.splat(1.0),
            self.div(self.splat(2.0), self.add(e, self.splat(1.0))),
        )
    }
}

/// Work that is compiled for each instruction set.
pub(crate) trait Kernel {
    type Out;
    /// Implementations are `#[inline(always)]`, as is all they call with `s`. Vectors stay out of closures: one that is not
    /// inlined (`array::from_fn`, `map`) loses the instruction set and turns every instruction into a call.
    fn call<S: Simd>(self, s: S) -> Self::Out;
}
