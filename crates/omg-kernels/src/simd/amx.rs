//! AMX tiles on Linux: 16 activation rows times 16 outputs at once.
//!
//! The integer dot products are those of VNNI, bit for bit; what is made of them in floats is the same code.

use std::arch::asm;
use std::arch::x86_64::__cpuid_count;
use std::sync::OnceLock;

use crate::quant::{GROUP, LANES, TILE_COLS, TILE_GROUPS};

/// Activation rows in a tile.
pub(crate) const ROWS: usize = 16;

/// Dot products of one [`Tile`](crate::quant::Tile) with 16 rows: [group][row][lane].
#[repr(C, align(64))]
pub(crate) struct Dots(pub(crate) [[[i32; LANES]; ROWS]; TILE_GROUPS]);

impl Dots {
    pub(crate) const ZERO: Self = Self([[[0; LANES]; ROWS]; TILE_GROUPS]);
}

/// Whether the CPU has int8 tiles and the kernel lets this process use them.
pub(crate) fn available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| {
        const TILE_AND_INT8: u32 = 3 << 24;
        let features = if __cpuid_count(0, 0).eax >= 7 {
            __cpuid_count(7, 0).edx
        } else {
            0
        };
        features & TILE_AND_INT8 == TILE_AND_INT8 && permitted()
    })
}

#[cfg(target_os = "linux")]
fn permitted() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_long = 18;
    // SAFETY: asks for the tile registers to be saved and restored for all threads of this process; touches no memory.
    unsafe {
        libc::syscall(
            libc::SYS_arch_prctl,
            ARCH_REQ_XCOMP_PERM,
            XFEATURE_XTILEDATA,
        ) == 0
    }
}

#[cfg(not(target_os = "linux"))]
fn permitted() -> bool {
    false
}

/// Tile registers of this thread, set up for groups of 32 columns; given back when dropped.
pub(crate) struct Tiles(());

#[repr(C, align(64))]
struct Config {
    palette: u8,
    start_row: u8,
    unused: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

impl Tiles {
    /// # Safety
    /// `available()` is true.
    pub(crate) unsafe fn new() -> Self {
        let mut config = Config {
            palette: 1,
            start_row: 0,
            unused: [0; 14],
            row_bytes: [0; 16],
            rows: [0; 16],
        };
        // 0..4 are sums, 4 and 6 weights, 5 and 7 activations.
        for tile in 0..8 {
            let (rows, row_bytes) = match tile {
                4 | 6 => (GROUP as u8 / 4, 64),
                5 | 7 => (16, GROUP as u16),
                _ => (16, 64),
            };
            (config.rows[tile], config.row_bytes[tile]) = (rows, row_bytes);
        }
        // SAFETY: the instruction exists as the caller says; the configuration is 64 bytes of palette 1.
        unsafe {
            asm!("ldtilecfg [{}]", in(reg) &config, options(nostack, preserves_flags, readonly));
        };
        Self(())
    }

    /// Dot products of the signed `quants` of a tile with the activations of 16 rows: row r, group g is 32 bytes at
    /// `x + 512 r + 64 g`.
    ///
    /// # Safety
    /// 16 rows of activations can be read at `x`.
    pub(crate) unsafe fn dots(
        &self,
        quants: &[u8; LANES * TILE_COLS],
        x: *const u8,
        out: &mut Dots,
    ) {
        const WEIGHT_BYTES: usize = GROUP * LANES;
        for at in (0..TILE_GROUPS).step_by(4) {
            let w = quants.as_ptr().wrapping_add(at * WEIGHT_BYTES);
            let x = x.wrapping_add(at * 64);
            // SAFETY: tiles are configured; four groups of weights, activations and sums from `at` on lie within the
            // quants, the rows the caller vouches for, and `out`.
            unsafe {
                asm!(
                    "tileloadd tmm4, [{w0} + {line}*1]",
                    "tileloadd tmm5, [{x0} + {row}*1]",
                    "tilezero tmm0",
                    "tdpbssd tmm0, tmm5, tmm4",
                    "tileloadd tmm6, [{w1} + {line}*1]",
                    "tileloadd tmm7, [{x1} + {row}*1]",
                    "tilezero tmm1",
                    "tdpbssd tmm1, tmm7, tmm6",
                    "tileloadd tmm4, [{w2} + {line}*1]",
                    "tileloadd tmm5, [{x2} + {row}*1]",
                    "tilezero tmm2",
                    "tdpbssd tmm2, tmm5, tmm4",
                    "tileloadd tmm6, [{w3} + {line}*1]",
                    "tileloadd tmm7, [{x3} + {row}*1]",
                    "tilezero tmm3",
                    "tdpbssd tmm3, tmm7, tmm6",
                    "tilestored [{out} + {line}*1], tmm0",
                    "tilestored [{out} + {line}*1 + 1024], tmm1",
                    "tilestored [{out} + {line}*1 + 2048], tmm2",
                    "tilestored [{out} + {line}*1 + 3072], tmm3",
                    w0 = in(reg) w,
                    w1 = in(reg) w.wrapping_add(WEIGHT_BYTES),
                    w2 = in(reg) w.wrapping_add(2 * WEIGHT_BYTES),
                    w3 = in(reg) w.wrapping_add(3 * WEIGHT_BYTES),
                    x0 = in(reg) x,
                    x1 = in(reg) x.wrapping_add(64),
                    x2 = in(reg) x.wrapping_add(128),
                    x3 = in(reg) x.wrapping_add(192),
                    out = in(reg) out.0[at].as_mut_ptr(),
                    line = in(reg) 64usize,
                    row = in(reg) 512usize,
                    out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                    out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                    options(nostack, preserves_flags)
                );
            }
        }
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: tiles were configured by `new`; afterwards the thread has none to save.
        unsafe { asm!("tilerelease", options(nostack, preserves_flags, nomem)) };
    }
}
