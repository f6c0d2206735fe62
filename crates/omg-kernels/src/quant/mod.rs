//! Quantised weights: 16 rows interleaved, so that a SIMD lane is an output row and no sum crosses lanes.
//!
//! The bits of a file's blocks are kept, only reordered, and a panel of 16 rows is exactly as large as the 16 rows of the
//! file. A kernel unpacks [`TILE_COLS`] columns of a panel into a [`Tile`] of bytes, which then serves all activation rows.

pub(crate) mod activation;
pub(crate) mod layout;
pub(crate) mod multiply;
pub(crate) mod pack;
pub(crate) mod unpack;

/// Rows in a panel: the lanes of [`Simd`](crate::simd::Simd).
pub(crate) const LANES: usize = 16;
/// Columns unpacked at a time: one block of the K-quants, eight of the older types.
pub(crate) const TILE_COLS: usize = 256;
/// Columns that share one activation scale.
pub(crate) const GROUP: usize = 32;
pub(crate) const TILE_GROUPS: usize = TILE_COLS / GROUP;

/// 256 columns of a panel, unpacked. `quants[(c / 4) * 64 + lane * 4 + c % 4]` is the unsigned quant of column c;
/// a weight is `scale * (quant - zero) + min`. Scales and mins are per 32 columns, or per 16 in the types with
/// [`Layout::halves`](layout::Layout::halves).
#[repr(C, align(64))]
pub(crate) struct Tile {
    pub(crate) quants: [u8; LANES * TILE_COLS],
    pub(crate) scales: [[f32; LANES]; 2 * TILE_GROUPS],
    pub(crate) mins: [[f32; LANES]; 2 * TILE_GROUPS],
}

impl Tile {
    pub(crate) const fn zeroed() -> Self {
        Self {
            quants: [0; LANES * TILE_COLS],
            scales: [[0.0; LANES]; 2 * TILE_GROUPS],
            mins: [[0.0; LANES]; 2 * TILE_GROUPS],
        }
    }
}
