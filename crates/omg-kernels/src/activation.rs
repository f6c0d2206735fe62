use crate::pool::Pool;
use crate::rows::{each_part, each_row};
use crate::simd::{Kernel, Simd};

/// The non-linearity of a feed-forward layer.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Activation {
    /// x · sigmoid(x)
    Silu,
    /// GELU by its tanh approximation
    GeluTanh,
    /// GELU by the error function
    GeluErf,
    /// max(x, 0)
    Relu,
    /// max(x, 0)²
    ReluSquared,
    /// sigmoid(x)
    Sigmoid,
    /// With g = min(gate, limit) and u = clamp(up, -limit, limit): g · sigmoid(alpha · g) · (u + 1). Alone: g · sigmoid(alpha · g).
    ClampedSwiglu { alpha: f32, limit: f32 },
}

/// `y` = activation(gate) · up, element by element.
pub fn gated(pool: &Pool, activation: Activation, gate: &[f32], up: &[f32], y: &mut [f32]) {
    assert!(gate.len() == y.len() && up.len() == y.len());
    each_part(pool, y, &|at, y| {
        let (gate, up) = (&gate[at..][..y.len()], &up[at..][..y.len()]);
        pool.isa().run(Gated {
            activation,
            gate,
            up: Some(up),
            y,
        });
    });
}

/// `x` = activation(x) in place.
pub fn activate(pool: &Pool, activation: Activation, x: &mut [f32]) {
    each_part(pool, x, &|_, x| {
        for x in x.chunks_mut(256) {
            let mut gate = [0.0; 256];
            gate[..x.len()].copy_from_slice(x);
            pool.isa().run(Gated {
                activation,
                gate: &gate[..x.len()],
                up: None,
                y: x,
            });
        }
    });
}

/// `x` = cap · tanh(x / cap) in place.
pub fn softcap(pool: &Pool, x: &mut [f32], cap: f32) {
    each_part(pool, x, &|_, x| pool.isa().run(Softcap { x, cap }));
}

/// `x` += `y`
pub fn add(pool: &Pool, x: &mut [f32], y: &[f32]) {
    assert_eq!(x.len(), y.len());
    each_part(pool, x, &|at, x| {
        for (x, y) in x.iter_mut().zip(&y[at..]) {
            *x += y;
        }
    });
}

/// `x` += `factor` · `y`
pub fn add_scaled(pool: &Pool, x: &mut [f32], y: &[f32], factor: f32) {
    assert_eq!(x.len(), y.len());
    each_part(pool, x, &|at, x| {
        for (x, y) in x.iter_mut().zip(&y[at..]) {
            *x += factor * y;
        }
    });
}

/// `x` *= `factor`
pub fn scale(pool: &Pool, x: &mut [f32], factor: f32) {
    each_part(pool, x, &|_, x| x.iter_mut().for_each(|x| *x *= factor));
}

/// Adds `bias` to each row of `x` = [n, bias.len()].
pub fn add_bias(pool: &Pool, x: &mut [f32], bias: &[f32]) {
    each_row(pool, bias.len(), x, &|_, x| {
        for (x, b) in x.iter_mut().zip(bias) {
            *x += b;
        }
    });
}

/// Calls `f(at, lanes)` for 16 floats of `y` at a time; what `f` gives replaces them. The last ones may be fewer.
#[inline(always)]
fn each_lanes<S: Simd>(s: S, y: &mut [f32], f: impl Fn(usize, usize) -> S::F) {
    let len = y.len();
    for (index, y) in y.chunks_mut(16).enumerate() {
        let out = f(index * 16, len);
        if y.len() == 16 {
            // SAFETY: 16 floats.
            unsafe { s.store(y.as_mut_ptr(), out) };
        } else {
            let rest = y.len();
            y.copy_from_slice(&s.to_array(out)[..rest]);
        }
    }
}

/// 16 floats of `x` from `at` on, zeros where it ends.
#[inline(always)]
fn lanes<S: Simd>(s: S, x: &[f32], at: usize) -> S::F {
    let x = &x[at..];
    if x.len() >= 16 {
        // SAFETY: 16 floats.
        return unsafe { s.load(x.as_ptr()) };
    }
    let mut rest = [0.0; 16];
    rest[..x.len()].copy_from_slice(x);
    // SAFETY: 16 floats.
    unsafe { s.load(rest.as_ptr()) }
}

struct Gated<'a> {
    activation: Activation,
    gate: &'a [f32],
    up: Option<&'a [f32]>,
    y: &'a mut [f32],
}

impl Kernel for Gated<'_> {
    type Out = ();
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { gate, up, y, .. } = self;
        let times_up = |x: S::F, at: usize| match up {
            Some(up) => s.mul(x, lanes(s, up, at)),
            None => x,
        };
        match self.activation {
            Activation::Silu => each_lanes(s, y, |at, _| {
                let x = lanes(s, gate, at);
                times_up(s.mul(x, sigmoid(s, x)), at)
            }),
            Activation::GeluTanh => {
                each_lanes(s, y, |at, _| times_up(gelu_tanh(s, lanes(s, gate, at)), at));
            }
            Activation::GeluErf => {
                each_lanes(s, y, |at, _| times_up(gelu_erf(s, lanes(s, gate, at)), at));
            }
            Activation::Relu => {
                each_lanes(s, y, |at, _| {
                    times_up(s.max(s.splat(0.0), lanes(s, gate, at)), at)
                });
            }
            Activation::ReluSquared => each_lanes(s, y, |at, _| {
                let x = s.max(s.splat(0.0), lanes(s, gate, at));
                times_up(s.mul(x, x), at)
            }),
            Activation::Sigmoid => {
                each_lanes(s, y, |at, _| times_up(sigmoid(s, lanes(s, gate, at)), at));
            }
            Activation::ClampedSwiglu { alpha, limit } => each_lanes(s, y, |at, _| {
                let g = s.min(s.splat(limit), lanes(s, gate, at));
                let glu = s.mul(g, sigmoid(s, s.mul(g, s.splat(alpha))));
                match up {
                    Some(up) => {
                        let u = s.max(s.splat(-limit), s.min(s.splat(limit), lanes(s, up, at)));
                        s.mul(glu, s.add(u, s.splat(1.0)))
                    }
                    None => glu,
                }
            }),
        }
    }
}

#[inline(always)]
fn sigmoid<S: Simd>(s: S, x: S::F) -> S::F {
    let one = s.splat(1.0);
    s.div(one, s.add(one, s.exp(s.sub(s.splat(0.0), x))))
}

#[inline(always)]
fn gelu_tanh<S: Simd>(s: S, x: S::F) -> S::F {
    // x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))) is x · sigmoid of twice the argument.
    let cubic = s.fma(s.mul(s.mul(x, x), x), s.splat(0.044_715), x);
    s.mul(x, sigmoid(s, s.mul(cubic, s.splat(2.0 * 0.797_884_6))))
}

/// Error function by formula 7.1.26 of Abramowitz and Stegun: within 1.5e-7.
#[inline(always)]
fn gelu_erf<S: Simd>(s: S, x: S::F) -> S::F {
    let (one, zero) = (s.splat(1.0), s.splat(0.0));
    let z = s.mul(x, s.splat(std::f32::consts::FRAC_1_SQRT_2));
    let minus = s.sub(zero, z);
    let size = s.max(z, minus);
    let t = s.div(one, s.fma(size, s.splat(0.327_591_1), one));
    let mut p = s.splat(1.061_405_4);
    for c in [-1.453_152, 1.421_413_8, -0.284_496_72, 0.254_829_6] {
        p = s.fma(p, t, s.splat(c));
    }
    // 1 - |erf|, which keeps its precision in the tail.
    let rest = s.mul(s.mul(p, t), s.exp(s.mul(size, s.sub(zero, size))));
    let half = s.mul(x, s.splat(0.5));
    let factor = s.select(s.below(x, 0.0), rest, s.sub(s.splat(2.0), rest));
    s.mul(half, factor)
}

struct Softcap<'a> {
    x: &'a mut [f32],
    cap: f32,
}

impl Kernel for Softcap<'_> {
    type Out = ();
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        for x in self.x.chunks_mut(16) {
            let y = s.mul(
                s.tanh(s.div(lanes(s, x, 0), s.splat(self.cap))),
                s.splat(self.cap),
            );
            let len = x.len();
            x.copy_from_slice(&s.to_array(y)[..len]);
        }
    }
}
