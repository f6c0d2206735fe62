use crate::pool::Pool;
use crate::rows::each_row;

/// Which elements of a head are rotated together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairing {
    /// (2i, 2i + 1)
    Interleaved,
    /// (i, i + dims / 2)
    HalfSplit,
}

/// The angular frequency of each pair of rotated dimensions.
#[derive(Clone, Debug)]
pub struct RopeTable {
    frequencies: Vec<f32>,
    magnitude: f32,
    offset: usize,
}

/// Cosines and sines of some positions: what [`rotate`] applies. Made once per step and used by all layers.
#[derive(Clone, Debug)]
pub struct Rotations {
    /// [positions, pairs] of (cosine, sine)
    turns: Vec<(f32, f32)>,
    pairs: usize,
    offset: usize,
}

impl RopeTable {
    /// Pair i of `dims / 2` turns by base^(-2i / dims) per position, divided by `divisors[i]` if there are any.
    pub fn new(dims: usize, base: f32, divisors: Option<&[f32]>) -> Self {
        let frequency = |i: usize| {
            let plain = 1.0 / f64::from(base).powf(2.0 * i as f64 / dims as f64);
            (plain / divisors.map_or(1.0, |d| f64::from(d[i]))) as f32
        };
        Self::from_frequencies((0..dims / 2).map(frequency).collect(), 1.0)
    }

    /// From radians per position of each pair; cosines and sines are multiplied by `magnitude` (YaRN, LongRoPE).
    pub fn from_frequencies(frequencies: Vec<f32>, magnitude: f32) -> Self {
        Self {
            frequencies,
            magnitude,
            offset: 0,
        }
    }

    /// The rotated dimensions of a head start at `offset` and not at 0 (MLA).
    pub fn with_offset(self, offset: usize) -> Self {
        Self { offset, ..self }
    }

    pub fn with_magnitude(self, magnitude: f32) -> Self {
        Self { magnitude, ..self }
    }

    /// Dimensions of a head that are rotated.
    pub fn dims(&self) -> usize {
        2 * self.frequencies.len()
    }

    pub fn rotations(&self, positions: &[u32]) -> Rotations {
        let turn = |position: u32, frequency: f32| {
            let (sin, cos) = (position as f32 * frequency).sin_cos();
            (cos * self.magnitude, sin * self.magnitude)
        };
        let turns = positions
            .iter()
            .flat_map(|&p| self.frequencies.iter().map(move |&f| turn(p, f)))
            .collect();
        Rotations {
            turns,
            pairs: self.frequencies.len(),
            offset: self.offset,
        }
    }
}

/// Rotates `x` = [positions, heads, head_dim] in place.
pub fn rope(
    pool: &Pool,
    x: &mut [f32],
    positions: &[u32],
    table: &RopeTable,
    heads: usize,
    head_dim: usize,
    pairing: Pairing,
) {
    rotate(
        pool,
        x,
        &table.rotations(positions),
        heads,
        head_dim,
        pairing,
    );
}

/// As [`rope`], with the cosines and sines already made.
pub fn rotate(
    pool: &Pool,
    x: &mut [f32],
    rotations: &Rotations,
    heads: usize,
    head_dim: usize,
    pairing: Pairing,
) {
    let Rotations {
        turns,
        pairs,
        offset,
    } = rotations;
    let (pairs, offset) = (*pairs, *offset);
    assert!(
        offset + 2 * pairs <= head_dim,
        "{} rotated dimensions in a head of {head_dim}",
        2 * pairs
    );
    assert_eq!(
        x.len() * pairs,
        turns.len() * heads * head_dim,
        "positions and rows differ"
    );
    each_row(pool, heads * head_dim, x, &|row, x| {
        let turns = &turns[row * pairs..][..pairs];
        for head in x.chunks_exact_mut(head_dim) {
            let head = &mut head[offset..offset + 2 * pairs];
            match pairing {
                Pairing::Interleaved => {
                    for (pair, &(cos, sin)) in head.chunks_exact_mut(2).zip(turns) {
                        let (a, b) = (pair[0], pair[1]);
                        pair[0] = a * cos - b * sin;
                        pair[1] = a * sin + b * cos;
                    }
                }
                Pairing::HalfSplit => {
                    let (low, high) = head.split_at_mut(pairs);
                    for ((a, b), &(cos, sin)) in low.iter_mut().zip(high).zip(turns) {
                        (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
                    }
                }
            }
        }
    });
}
