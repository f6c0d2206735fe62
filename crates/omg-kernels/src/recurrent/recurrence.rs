use super::conv::{lanes, store};
use super::states::{States, assert_apart, slot_of};
use crate::attention::Seq;
use crate::pool::Pool;
use crate::shared::SharedMut;
use crate::simd::{Kernel, Simd};

/// Values that one piece of work has: a vector of lanes.
const LANES: usize = 16;

/// A recurrence over a matrix S [key_dim, value_dim] per head: the gated delta rule (Gated DeltaNet, KDA) and the state
/// space model of Mamba-2, whose B, C and x are keys, queries and values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecurrenceShape {
    pub heads: usize,
    /// Divides `heads`.
    pub key_heads: usize,
    /// Head h reads key head h % key_heads, and not the one of its group of consecutive heads.
    pub tiled: bool,
    pub key_dim: usize,
    pub value_dim: usize,
    /// What S holds under a key already is taken from the value before it is added.
    pub delta: bool,
    /// Each row of S decays on its own, not the whole of S.
    pub decay_per_key: bool,
}

/// The inputs of one step.
#[derive(Clone, Copy)]
pub struct Recurrence<'a> {
    /// [n, width], in which queries, keys and values of all heads begin at these elements of a row.
    pub mixed: &'a [f32],
    pub width: usize,
    pub query: usize,
    pub key: usize,
    pub value: usize,
    /// [n, heads], or [n, heads, key_dim]: what is left of S.
    pub decay: &'a [f32],
    /// [n, heads]: how strongly a value is written.
    pub strength: &'a [f32],
    /// [heads]: this much of the value is added to the result.
    pub skip: Option<&'a [f32]>,
}

impl RecurrenceShape {
    /// f32 of a state.
    pub fn state_width(&self) -> usize {
        self.heads * self.key_dim * self.value_dim.next_multiple_of(LANES)
    }

    /// Elements of a row of inputs: the queries, keys and values of all heads.
    pub fn input_width(&self) -> usize {
        2 * self.key_heads * self.key_dim + self.output_width()
    }

    /// Elements of a row of results.
    pub fn output_width(&self) -> usize {
        self.heads * self.value_dim
    }

    /// The key head that a head reads.
    pub fn key_head(&self, head: usize) -> usize {
        match self.tiled {
            true => head % self.key_heads,
            false => head / (self.heads / self.key_heads),
        }
    }
}

/// For each token and head: `S ← decay·S`, `S ← S + k ⊗ (strength·(v - Sᵀk))` (without `- Sᵀk` when there is no delta rule),
/// `out = Sᵀq + skip·v`. `out` is [n, heads, value_dim]; S begins `offset` f32 into the slot of a sequence.
pub fn recur(
    pool: &Pool,
    shape: &RecurrenceShape,
    step: &Recurrence<'_>,
    states: &mut States,
    offset: usize,
    seqs: &[Seq<'_>],
    out: &mut [f32],
) {
    let RecurrenceShape {
        heads,
        key_heads,
        key_dim,
        value_dim,
        ..
    } = *shape;
    assert!(
        key_heads > 0 && heads.is_multiple_of(key_heads),
        "{heads} heads over {key_heads}"
    );
    let n = out.len().checked_div(shape.output_width()).unwrap_or(0);
    assert!(out.len() == n * shape.output_width() && step.mixed.len() == n * step.width);
    assert!(step.query.max(step.key) + key_heads * key_dim <= step.width);
    assert!(step.value + heads * value_dim <= step.width);
    let decays = heads * if shape.decay_per_key { key_dim } else { 1 };
    assert!(step.decay.len() == n * decays && step.strength.len() == n * heads);
    assert!(step.skip.is_none_or(|skip| skip.len() == heads));
    assert_apart(seqs, states.slots(), n);
    let width = states.width();
    assert!(
        offset + shape.state_width() <= width,
        "a state of another shape"
    );
    let tiles = value_dim.div_ceil(LANES);
    let (shared, out) = (states.shared(), SharedMut::new(out));
    pool.for_each(seqs.len() * heads * tiles, &|item| {
        let (seq, part) = (&seqs[item / (heads * tiles)], item % (heads * tiles));
        // SAFETY: this worker alone has this tile of this state.
        let state = unsafe {
            let tile = key_dim * LANES;
            shared.slice(slot_of(seq) * width + offset + part * tile, tile)
        };
        let tile = Tile {
            shape,
            step,
            state,
            seq,
            head: part / tiles,
            first: part % tiles * LANES,
            out,
        };
        match (shape.delta, shape.decay_per_key) {
            (true, false) => pool.isa().run(Advance::<true, false>(tile)),
            (true, true) => pool.isa().run(Advance::<true, true>(tile)),
            (false, false) => pool.isa().run(Advance::<false, false>(tile)),
            (false, true) => pool.isa().run(Advance::<false, true>(tile)),
        }
    });
}

/// Sixteen values of one head: columns of S that no other value reads, [key_dim][16].
struct Tile<'a> {
    shape: &'a RecurrenceShape,
    step: &'a Recurrence<'a>,
    state: &'a mut [f32],
    seq: &'a Seq<'a>,
    head: usize,
    first: usize,
    out: SharedMut<'a, f32>,
}

struct Advance<'a, const DELTA: bool, const PER_KEY: bool>(Tile<'a>);

impl<const DELTA: bool, const PER_KEY: bool> Kernel for Advance<'_, DELTA, PER_KEY> {
    type Out = ();
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Tile {
            shape,
            step,
            state,
            seq,
            head,
            first,
            out,
        } = self.0;
        let (dim, values) = (shape.key_dim, shape.value_dim);
        let len = LANES.min(values - first);
        let key_at = shape.key_head(head) * dim;
        for row in seq.rows.clone() {
            let mixed = &step.mixed[row * step.width..][..step.width];
            let key = &mixed[step.key + key_at..][..dim];
            let query = &mixed[step.query + key_at..][..dim];
            let value = lanes(s, &mixed[step.value + head * values + first..][..len]);
            let gate = row * shape.heads + head;
            let decays = match PER_KEY {
                true => &step.decay[gate * dim..][..dim],
                false => &step.decay[gate..][..1],
            };
            let whole = s.splat(decays[0]);
            let mut written = value;
            if DELTA {
                let held = held::<S, PER_KEY>(s, state, key, decays);
                let held = if PER_KEY { held } else { s.mul(held, whole) };
                written = s.sub(value, held);
            }
            let written = s.mul(written, s.splat(step.strength[gate]));
            let mut sums = [s.splat(0.0); 4];
            for i in 0..dim {
                let p = state[i * LANES..][..LANES].as_mut_ptr();
                let decay = if PER_KEY { s.splat(decays[i]) } else { whole };
                // SAFETY: 16 floats.
                let kept = s.mul(unsafe { s.load(p) }, decay);
                let new = s.fma(s.splat(key[i]), written, kept);
                // SAFETY: 16 floats.
                unsafe { s.store(p, new) };
                sums[i % 4] = s.fma(new, s.splat(query[i]), sums[i % 4]);
            }
            let mut result = s.add(s.add(sums[0], sums[1]), s.add(sums[2], sums[3]));
            if let Some(skip) = step.skip {
                result = s.fma(value, s.splat(skip[head]), result);
            }
            let at = (row * shape.heads + head) * values + first;
            // SAFETY: this worker alone has these elements.
            store(s, result, unsafe { out.slice(at, len) });
        }
    }
}

/// What S holds under a key: `Sᵀk`, with the decay of each row where it has one.
#[inline(always)]
fn held<S: Simd, const PER_KEY: bool>(s: S, state: &[f32], key: &[f32], decays: &[f32]) -> S::F {
    let mut sums = [s.splat(0.0); 4];
    for (i, row) in state.chunks_exact(LANES).enumerate() {
        let key = if PER_KEY { key[i] * decays[i] } else { key[i] };
        // SAFETY: 16 floats.
        sums[i % 4] = s.fma(unsafe { s.load(row.as_ptr()) }, s.splat(key), sums[i % 4]);
    }
    s.add(s.add(sums[0], sums[1]), s.add(sums[2], sums[3]))
}
