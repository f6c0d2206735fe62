use super::states::{States, assert_apart, slot_of};
use crate::attention::Seq;
use crate::pool::Pool;
use crate::shared::SharedMut;
use crate::simd::{Kernel, Simd};

/// Channels of one piece of work.
const PIECE: usize = 256;

/// Weights of a causal depthwise convolution: each channel has `taps` of its own, the last for the current token.
pub struct ConvWeights {
    /// [taps][channels]
    weights: Vec<f32>,
    /// [channels]; empty: none
    bias: Vec<f32>,
    channels: usize,
    taps: usize,
}

impl ConvWeights {
    /// `weights` is [channels, taps] with at least one tap; an empty `bias` is none. Wrong lengths panic.
    pub fn new(weights: &[f32], bias: Vec<f32>, channels: usize) -> Self {
        let taps = weights.len().checked_div(channels).unwrap_or(0);
        assert!(
            taps > 0 && weights.len() == taps * channels,
            "whole channels"
        );
        assert!(bias.is_empty() || bias.len() == channels);
        let mut turned = vec![0.0; weights.len()];
        for (channel, of_channel) in weights.chunks_exact(taps).enumerate() {
            for (tap, weight) in of_channel.iter().enumerate() {
                turned[tap * channels + channel] = *weight;
            }
        }
        Self {
            weights: turned,
            bias,
            channels,
            taps,
        }
    }

    pub fn channels(&self) -> usize {
        self.channels
    }

    /// f32 of a state: the inputs before the next token, oldest first, [taps - 1, channels].
    pub fn state_width(channels: usize, taps: usize) -> usize {
        taps.saturating_sub(1) * channels
    }
}

/// `y[t] = bias + Σ weights[j] · x[t - taps + 1 + j]` for each channel of `x` = [n, channels]; what is before the rows of a
/// sequence in this step comes from its state, `offset` f32 into its slot, which is brought up to date.
pub fn convolve(
    pool: &Pool,
    weights: &ConvWeights,
    states: &mut States,
    offset: usize,
    x: &[f32],
    seqs: &[Seq<'_>],
    y: &mut [f32],
) {
    let ConvWeights { channels, taps, .. } = *weights;
    assert!(x.len() == y.len() && x.len().is_multiple_of(channels));
    assert_apart(seqs, states.slots(), x.len() / channels);
    let (width, kept) = (states.width(), (taps - 1) * channels);
    assert!(offset + kept <= width, "a state of another shape");
    let pieces = channels.div_ceil(PIECE);
    let (shared, y) = (states.shared(), SharedMut::new(y));
    pool.for_each(seqs.len() * pieces, &|item| {
        let seq = &seqs[item / pieces];
        let first = item % pieces * PIECE;
        pool.isa().run(Convolve {
            weights,
            state: shared,
            at: slot_of(seq) * width + offset,
            x,
            y,
            seq,
            first,
            len: PIECE.min(channels - first),
        });
    });
}

/// Some channels of one sequence.
struct Convolve<'a> {
    weights: &'a ConvWeights,
    state: SharedMut<'a, f32>,
    /// Where the state begins.
    at: usize,
    x: &'a [f32],
    y: SharedMut<'a, f32>,
    seq: &'a Seq<'a>,
    first: usize,
    len: usize,
}

impl Convolve<'_> {
    /// The inputs `back` tokens before row `row`, of the channels from `from` on.
    #[inline(always)]
    fn input(&self, row: usize, back: usize, from: usize, len: usize) -> &[f32] {
        let ConvWeights { channels, taps, .. } = *self.weights;
        if row - self.seq.rows.start >= back {
            return &self.x[(row - back) * channels + from..][..len];
        }
        // The newest input of the state is one token before the first row.
        let age = back - (row - self.seq.rows.start);
        // SAFETY: this worker alone has these channels of this state.
        unsafe {
            self.state
                .slice(self.at + (taps - 1 - age) * channels + from, len)
        }
    }
}

impl Kernel for Convolve<'_> {
    type Out = ();
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let ConvWeights {
            channels,
            taps,
            weights,
            bias,
        } = self.weights;
        let (channels, taps) = (*channels, *taps);
        for row in self.seq.rows.clone() {
            for from in (self.first..self.first + self.len).step_by(16) {
                let len = 16.min(self.first + self.len - from);
                let mut sum = match bias.is_empty() {
                    true => s.splat(0.0),
                    false => lanes(s, &bias[from..][..len]),
                };
                for tap in 0..taps {
                    let w = lanes(s, &weights[tap * channels + from..][..len]);
                    let x = lanes(s, self.input(row, taps - 1 - tap, from, len));
                    sum = s.fma(w, x, sum);
                }
                // SAFETY: this worker alone has these channels of these rows.
                let y = unsafe { self.y.slice(row * channels + from, len) };
                store(s, sum, y);
            }
        }
        let rows = self.seq.rows.len();
        // Oldest first: what is overwritten has been moved before.
        for kept in 0..taps - 1 {
            let age = taps - 1 - kept;
            // SAFETY: this worker alone has these channels of this state.
            let to = unsafe {
                self.state
                    .slice(self.at + kept * channels + self.first, self.len)
            };
            if age <= rows {
                let from = (self.seq.rows.end - age) * channels + self.first;
                to.copy_from_slice(&self.x[from..][..self.len]);
            } else {
                let from = self.at + (kept + rows) * channels + self.first;
                // SAFETY: as above; another part of the state, since there are rows.
                to.copy_from_slice(unsafe { self.state.slice(from, self.len) });
            }
        }
    }
}

/// Up to 16 floats, then zeros.
#[inline(always)]
pub(super) fn lanes<S: Simd>(s: S, x: &[f32]) -> S::F {
    if x.len() >= 16 {
        // SAFETY: 16 floats.
        return unsafe { s.load(x.as_ptr()) };
    }
    let mut all = [0.0; 16];
    all[..x.len()].copy_from_slice(x);
    // SAFETY: 16 floats.
    unsafe { s.load(all.as_ptr()) }
}

/// As many of the 16 floats as `y` has room for.
#[inline(always)]
pub(super) fn store<S: Simd>(s: S, x: S::F, y: &mut [f32]) {
    if y.len() >= 16 {
        // SAFETY: 16 floats.
        unsafe { s.store(y.as_mut_ptr(), x) };
    } else {
        let len = y.len();
        y.copy_from_slice(&s.to_array(x)[..len]);
    }
}
