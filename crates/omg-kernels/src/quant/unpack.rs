//! From a panel to a [`Tile`].

use omg_format::{Codes, DType};

use super::layout::{Layout, Planes, Scales};
use super::{GROUP, LANES, TILE_COLS, Tile};
use crate::simd::Simd;
use crate::simd::scalar::Scalar;

/// Unpacks `groups` groups of 32 columns from column `first` (a multiple of 256) of `panel`.
#[inline(always)]
pub(crate) fn unpack<S: Simd>(
    s: S,
    layout: &Layout,
    panel: &[u8],
    first: usize,
    groups: usize,
    tile: &mut Tile,
) {
    let units = (groups * GROUP).div_ceil(layout.unit_cols);
    let unit_bytes = layout.unit_bytes();
    let panel = &panel[first / layout.unit_cols * unit_bytes..][..units * unit_bytes];
    match layout.planes {
        Planes::Four => planes::<S, FOUR>(s, layout, panel, tile),
        Planes::FourOne => planes::<S, FOUR_ONE>(s, layout, panel, tile),
        Planes::FourTwo => planes::<S, FOUR_TWO>(s, layout, panel, tile),
        Planes::Eight => planes::<S, EIGHT>(s, layout, panel, tile),
        Planes::Two => planes::<S, TWO>(s, layout, panel, tile),
        Planes::TwoOne => planes::<S, TWO_ONE>(s, layout, panel, tile),
        Planes::Blocks => {}
    }
    let units = panel.chunks_exact(unit_bytes).enumerate();
    match layout.scales {
        Scales::D => {
            for (u, unit) in units {
                put(s, &mut tile.scales[u], half(s, unit, 0));
            }
        }
        Scales::One => {
            let groups = layout.unit_cols / GROUP;
            for (u, unit) in units {
                let d = half(s, unit, 0);
                let minus_d = s.sub(s.splat(0.0), d);
                for g in u * groups..(u + 1) * groups {
                    put(s, &mut tile.scales[g], d);
                    put(s, &mut tile.mins[g], minus_d);
                }
            }
        }
        Scales::Micro => {
            for (u, unit) in units {
                for (scales, bits) in tile.scales[4 * u..].iter_mut().zip(unit[..64].chunks(16)) {
                    for (scale, bits) in scales.iter_mut().zip(bits) {
                        *scale = micro_scale(*bits);
                    }
                }
            }
        }
        Scales::DM => {
            for (u, unit) in units {
                put(s, &mut tile.scales[u], half(s, unit, 0));
                put(s, &mut tile.mins[u], half(s, unit, 32));
            }
        }
        Scales::Exponent => {
            for (u, unit) in units {
                for (scale, &e) in tile.scales[u].iter_mut().zip(unit) {
                    *scale = exponent(e);
                }
            }
        }
        Scales::Six => six(s, panel, tile),
        Scales::Nibbles => nibbles(s, panel, tile),
        Scales::Signed => signed(s, panel, tile),
        Scales::SixSigned => six_signed::<S, 16>(s, panel, tile),
        Scales::SixSignedWide => six_signed::<S, 8>(s, panel, tile),
        Scales::Blocks(dtype) => blocks(layout, dtype, panel, tile),
    }
}

/// Codebooks are read an entry at a time, so this is the same for all instruction sets.
fn blocks(layout: &Layout, dtype: DType, units: &[u8], tile: &mut Tile) {
    let mut codes = Codes::ZERO;
    let words = layout.unit_cols / 4;
    let per_scale = if layout.halves { GROUP / 2 } else { GROUP };
    let scales = layout.unit_cols / per_scale;
    for (u, unit) in units.chunks_exact(layout.unit_bytes()).enumerate() {
        for (lane, block) in unit.chunks_exact(dtype.block_bytes()).enumerate() {
            codes.decode(dtype, block);
            let quants = codes
                .codes
                .map(|code| (code as u8).wrapping_add(layout.zero() as u8));
            let out = tile.quants[u * words * 64..][..words * 64].chunks_exact_mut(64);
            for (quants, out) in quants.chunks_exact(4).zip(out) {
                out[lane * 4..lane * 4 + 4].copy_from_slice(quants);
            }
            let out = &mut tile.scales[u * scales..][..scales];
            for (scale, out) in codes.scales.iter().zip(out) {
                out[lane] = *scale;
            }
        }
    }
}

/// Half of what 4 bits of exponent and 3 of mantissa stand for; 0 for the one code that is no number.
fn micro_scale(bits: u8) -> f32 {
    let bits = if bits & 0x7f == 0x7f { 0 } else { bits & 0x7f };
    // The bits of a much smaller float: subnormal codes are subnormal there as well.
    f32::from_bits(u32::from(bits) << 20) * f32::from_bits((127 + 119) << 23)
}

/// 2^(e - 128)
fn exponent(e: u8) -> f32 {
    match e {
        0 => f32::from_bits(0x0020_0000),
        1 => f32::from_bits(0x0040_0000),
        e => f32::from_bits((u32::from(e) - 1) << 23),
    }
}

const FOUR: u8 = 0;
const FOUR_ONE: u8 = 1;
const FOUR_TWO: u8 = 2;
const EIGHT: u8 = 3;
const TWO: u8 = 4;
const TWO_ONE: u8 = 5;

#[inline(always)]
fn planes<S: Simd, const P: u8>(s: S, layout: &Layout, units: &[u8], tile: &mut Tile) {
    let head = layout.scales.bytes();
    let chunk_bytes = layout.planes.bytes();
    let mut out = tile.quants.chunks_exact_mut(GROUP * LANES);
    for unit in units.chunks_exact(layout.unit_bytes()) {
        for chunk in unit[head..].chunks_exact(chunk_bytes) {
            let Some(out) = out.next() else { return };
            assert!(chunk.len() >= chunk_bytes_of::<P>() && out.len() == GROUP * LANES);
            // SAFETY: the lengths were just checked.
            unsafe { chunk_planes::<S, P>(s, layout.table, chunk.as_ptr(), out.as_mut_ptr()) };
        }
    }
}

const fn chunk_bytes_of<const P: u8>() -> usize {
    match P {
        FOUR => 256,
        FOUR_ONE => 320,
        FOUR_TWO => 384,
        EIGHT => 512,
        TWO => 128,
        _ => 192,
    }
}

/// # Safety
/// The bytes of one chunk can be read at `from`, 512 bytes written at `to`.
#[inline(always)]
unsafe fn chunk_planes<S: Simd, const P: u8>(
    s: S,
    table: Option<&[u8; 16]>,
    from: *const u8,
    to: *mut u8,
) {
    // Vector v of the input or output: all v are below the bytes the caller vouches for.
    macro_rules! get {
        ($v:expr) => {{
            // SAFETY: see the macro.
            unsafe { s.load_bytes(from.add($v * 64)) }
        }};
    }
    macro_rules! put {
        ($v:expr, $x:expr) => {{
            let x = $x;
            // SAFETY: see the macro.
            unsafe { s.store_bytes(to.add($v * 64), x) }
        }};
    }
    for v in 0..chunk_bytes_of::<P>() / 64 {
        s.prefetch(from.wrapping_add(4096 + v * 64));
    }
    match P {
        EIGHT => {
            for v in 0..8 {
                put!(v, get!(v));
            }
        }
        TWO | TWO_ONE => {
            let (three, four) = (s.splat_byte(3), s.splat_byte(4));
            for p in 0..2 {
                let w = get!(p);
                let mut parts = [w, s.shr::<2>(w), s.shr::<4>(w), s.shr::<6>(w)];
                for f in 0..4 {
                    parts[f] = s.and(parts[f], three);
                    if P == TWO_ONE {
                        parts[f] =
                            s.or(parts[f], s.and(bit_to::<S, 2>(s, get!(2), 4 * p + f), four));
                    }
                    put!(4 * p + f, parts[f]);
                }
            }
        }
        _ => {
            let (low, one, two) = (s.splat_byte(15), s.splat_byte(16), s.splat_byte(0x30));
            for v in 0..4 {
                let w = get!(v);
                let (mut a, mut b) = (s.and(w, low), s.and(s.shr::<4>(w), low));
                if let (FOUR, Some(table)) = (P, table) {
                    (a, b) = (s.lookup(table, a), s.lookup(table, b));
                }
                if P == FOUR_ONE {
                    a = s.or(a, s.and(bit_to::<S, 4>(s, get!(4), v), one));
                    b = s.or(b, s.and(bit_to::<S, 4>(s, get!(4), v + 4), one));
                }
                if P == FOUR_TWO {
                    a = s.or(a, s.and(pair_to_4(s, get!(4), v), two));
                    b = s.or(b, s.and(pair_to_4(s, get!(5), v), two));
                }
                put!(v, a);
                put!(v + 4, b);
            }
        }
    }
}

/// Moves bit `v` of each byte to bit `TO` (4 or 2); other bits are rubbish.
#[inline(always)]
fn bit_to<S: Simd, const TO: usize>(s: S, x: S::B, v: usize) -> S::B {
    match (v + 4 - TO, TO) {
        (0, _) => s.shl::<4>(x),
        (1, _) => s.shl::<3>(x),
        (2, _) => s.shl::<2>(x),
        (3, _) => s.shl::<1>(x),
        (4, _) => x,
        (5, _) => s.shr::<1>(x),
        (6, _) => s.shr::<2>(x),
        (7, _) => s.shr::<3>(x),
        (8, _) => s.shr::<4>(x),
        _ => s.shr::<5>(x),
    }
}

/// Moves bits 2f, 2f+1 of each byte to bits 4, 5; other bits are rubbish.
#[inline(always)]
fn pair_to_4<S: Simd>(s: S, x: S::B, f: usize) -> S::B {
    match f {
        0 => s.shl::<4>(x),
        1 => s.shl::<2>(x),
        2 => x,
        _ => s.shr::<2>(x),
    }
}

#[inline(always)]
fn half<S: Simd>(s: S, unit: &[u8], at: usize) -> S::F {
    let bytes = &unit[at..at + 32];
    // SAFETY: 32 bytes are 16 half floats.
    unsafe { s.load_f16(bytes.as_ptr().cast()) }
}

#[inline(always)]
fn bytes16<S: Simd>(s: S, bytes: &[u8], at: usize) -> S::F {
    let bytes = &bytes[at..at + 16];
    // SAFETY: 16 bytes.
    unsafe { s.load_u8(bytes.as_ptr()) }
}

#[inline(always)]
fn put<S: Simd>(s: S, out: &mut [f32; LANES], x: S::F) {
    // SAFETY: 16 floats.
    unsafe { s.store(out.as_mut_ptr(), x) }
}

#[inline(always)]
fn six<S: Simd>(s: S, unit: &[u8], tile: &mut Tile) {
    let head = &unit[..256];
    let (d, minus_dmin) = (half(s, head, 0), s.sub(s.splat(0.0), half(s, head, 32)));
    let mut unpacked = [0u8; 256];
    // SAFETY: 64 bytes at 64, 128 and 192 of 256; the same in `unpacked`.
    unsafe {
        let (a, b, high) = (
            s.load_bytes(head.as_ptr().add(64)),
            s.load_bytes(head.as_ptr().add(128)),
            s.load_bytes(head.as_ptr().add(192)),
        );
        let (low, top) = (s.splat_byte(15), s.splat_byte(0x30));
        let out = unpacked.as_mut_ptr();
        s.store_bytes(out, s.or(s.and(a, low), s.and(s.shl::<4>(high), top)));
        s.store_bytes(out.add(64), s.or(s.and(b, low), s.and(high, top)));
        s.store_bytes(
            out.add(128),
            s.or(s.and(s.shr::<4>(a), low), s.and(s.shl::<2>(high), top)),
        );
        s.store_bytes(
            out.add(192),
            s.or(s.and(s.shr::<4>(b), low), s.and(s.shr::<2>(high), top)),
        );
    }
    for g in 0..8 {
        put(
            s,
            &mut tile.scales[g],
            s.mul(d, bytes16(s, &unpacked, g * 16)),
        );
        put(
            s,
            &mut tile.mins[g],
            s.mul(minus_dmin, bytes16(s, &unpacked, 128 + g * 16)),
        );
    }
}

#[inline(always)]
fn nibbles<S: Simd>(s: S, unit: &[u8], tile: &mut Tile) {
    let head = &unit[..64 + TILE_COLS];
    let (d, minus_dmin) = (half(s, head, 0), s.sub(s.splat(0.0), half(s, head, 32)));
    let mut unpacked = [0u8; 512];
    let low = s.splat_byte(15);
    for v in 0..4 {
        // SAFETY: 64 bytes at 64 + 64 v of 320, and twice 64 of 512.
        unsafe {
            let x = s.load_bytes(head.as_ptr().add(64 + v * 64));
            s.store_bytes(unpacked.as_mut_ptr().add(v * 64), s.and(x, low));
            s.store_bytes(
                unpacked.as_mut_ptr().add(256 + v * 64),
                s.and(s.shr::<4>(x), low),
            );
        }
    }
    for g in 0..16 {
        put(
            s,
            &mut tile.scales[g],
            s.mul(d, bytes16(s, &unpacked, g * 16)),
        );
        put(
            s,
            &mut tile.mins[g],
            s.mul(minus_dmin, bytes16(s, &unpacked, 256 + g * 16)),
        );
    }
}

#[inline(always)]
fn signed<S: Simd>(s: S, unit: &[u8], tile: &mut Tile) {
    let head = &unit[..32 + TILE_COLS];
    let d = half(s, head, 0);
    for g in 0..16 {
        let scales = &head[32 + g * 16..][..16];
        let scales: [f32; LANES] = std::array::from_fn(|lane| f32::from(scales[lane] as i8));
        // SAFETY: 16 floats.
        put(
            s,
            &mut tile.scales[g],
            s.mul(d, unsafe { s.load(scales.as_ptr()) }),
        );
    }
}

#[inline(always)]
fn six_signed<S: Simd, const GROUPS: usize>(s: S, unit: &[u8], tile: &mut Tile) {
    let head = &unit[..32 + GROUPS * 12];
    let d = half(s, head, 0);
    let (low, high) = head[32..].split_at(GROUPS * 8);
    for g in 0..GROUPS {
        let low = &low[g % (GROUPS / 2) * 16..][..16];
        let high = &high[g % (GROUPS / 4) * 16..][..16];
        let (low_shift, high_shift) = (4 * (g / (GROUPS / 2)), 2 * (g / (GROUPS / 4)));
        let scales: [f32; LANES] = std::array::from_fn(|lane| {
            let six = (low[lane] >> low_shift & 15) | (high[lane] >> high_shift & 3) << 4;
            f32::from(six as i8 - 32)
        });
        // SAFETY: 16 floats.
        put(
            s,
            &mut tile.scales[g],
            s.mul(d, unsafe { s.load(scales.as_ptr()) }),
        );
    }
}

/// Dequantises row `lane` of a panel into `out`, one float per column.
pub(crate) fn unpack_row(layout: &Layout, panel: &[u8], lane: usize, out: &mut [f32]) {
    let mut tile = Tile::zeroed();
    let mut first = 0;
    for out in out.chunks_mut(TILE_COLS) {
        unpack(Scalar, layout, panel, first, out.len() / GROUP, &mut tile);
        for (c, out) in out.iter_mut().enumerate() {
            let quant = i32::from(tile.quants[c / 4 * 64 + lane * 4 + c % 4]) - layout.zero();
            let group = if layout.halves {
                c / (GROUP / 2)
            } else {
                c / GROUP
            };
            *out = tile.scales[group][lane] * quant as f32;
            if layout.mins {
                *out += tile.mins[group][lane];
            }
        }
        first += TILE_COLS;
    }
}
