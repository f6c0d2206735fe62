use std::f64::consts::PI;

use omg_kernels::Pairing;

use crate::error::{Error, Result};

/// Rotary position encoding of one layer: `dims` elements of each head, from `offset` on, are turned in pairs.
#[derive(Debug, Clone, PartialEq)]
pub struct RopeSpec {
    pub pairing: Pairing,
    /// Even; the rest of the head passes unchanged.
    pub dims: usize,
    pub offset: usize,
    pub theta: f64,
    pub scaling: RopeScaling,
}

/// How the plain frequencies `theta^(-2i/dims)` are stretched for long contexts.
#[derive(Debug, Clone, PartialEq)]
pub enum RopeScaling {
    None,
    Linear {
        factor: f64,
    },
    /// Long wavelengths are divided by `factor`, short ones kept, with a ramp between.
    Llama3 {
        factor: f64,
        low: f64,
        high: f64,
        original: f64,
    },
    Yarn {
        factor: f64,
        original: f64,
        beta_fast: f64,
        beta_slow: f64,
        magnitude: f64,
        /// Round the borders of the ramp to whole pairs.
        truncate: bool,
    },
    /// Two lists of divisors; the long one when more than `original` tokens are served.
    LongRope {
        short: RopeFactors,
        long: RopeFactors,
        original: usize,
        magnitude: f64,
    },
    /// Only the first pairs turn, this part of all, as if they were all (Gemma 4).
    Proportional {
        part: f64,
    },
    /// The base grows with the longest context that is served, beyond the `original` one (NTK).
    Dynamic {
        factor: f64,
        original: f64,
    },
    /// Divisors computed by whoever made the file (GGUF `rope_freqs`).
    Divisors(RopeFactors),
}

/// One divisor per rotated pair: listed in a config, or a tensor of the file.
#[derive(Debug, Clone, PartialEq)]
pub enum RopeFactors {
    Listed(Vec<f32>),
    Tensor(String),
}

/// Ready for a rope table: `angle(position, i) = position · inverse[i]`, cos and sin multiplied by `magnitude`.
#[derive(Debug, Clone, PartialEq)]
pub struct Frequencies {
    pub inverse: Vec<f32>,
    pub magnitude: f32,
}

impl RopeSpec {
    /// The frequencies for a served context; `read` fetches a factor tensor by name.
    /// Errors: a factor list whose length is not `dims / 2`, or holds zero or what is not a number.
    pub fn frequencies(
        &self,
        served_context: usize,
        mut read: impl FnMut(&str) -> Result<Vec<f32>>,
    ) -> Result<Frequencies> {
        let plain = frequencies(self.theta, self.dims);
        let (inverse, magnitude) = match &self.scaling {
            RopeScaling::None => (plain, 1.0),
            RopeScaling::Linear { factor } => (plain.iter().map(|f| f / factor).collect(), 1.0),
            RopeScaling::Llama3 {
                factor,
                low,
                high,
                original,
            } => {
                let stretched = plain.iter().map(|&f| {
                    let turns = original * f / (2.0 * PI);
                    let smooth = ((turns - low) / (high - low)).clamp(0.0, 1.0);
                    (1.0 - smooth) * f / factor + smooth * f
                });
                (stretched.collect(), 1.0)
            }
            RopeScaling::Yarn {
                factor, magnitude, ..
            } => {
                let (start, end) = self.yarn_ramp();
                let stretched = plain.iter().enumerate().map(|(i, &f)| {
                    let slow = ((i as f64 - start) / (end - start).max(0.001)).clamp(0.0, 1.0);
                    slow * f / factor + (1.0 - slow) * f
                });
                (stretched.collect(), *magnitude)
            }
            RopeScaling::LongRope {
                short,
                long,
                original,
                magnitude,
            } => {
                let factors = if served_context > *original {
                    long
                } else {
                    short
                };
                (divide(&plain, factors, &mut read)?, *magnitude)
            }
            RopeScaling::Proportional { part } => {
                let turning = (part * plain.len() as f64) as usize;
                let all = plain.iter().enumerate();
                let kept = all.map(|(i, &f)| if i < turning { f } else { 0.0 });
                (kept.collect(), 1.0)
            }
            RopeScaling::Dynamic { factor, original } => {
                let length = (served_context as f64).max(*original);
                let growth = factor * length / original - (factor - 1.0);
                let dims = self.dims as f64;
                let theta = self.theta * growth.powf(dims / (dims - 2.0));
                (frequencies(theta, self.dims), 1.0)
            }
            RopeScaling::Divisors(factors) => (divide(&plain, factors, &mut read)?, 1.0),
        };
        Ok(Frequencies {
            inverse: inverse.into_iter().map(|f| f as f32).collect(),
            magnitude: magnitude as f32,
        })
    }

    /// The pairs between which YaRN goes from kept to stretched frequencies (arXiv 2309.00071, section 3.2).
    fn yarn_ramp(&self) -> (f64, f64) {
        let RopeScaling::Yarn {
            original,
            beta_fast,
            beta_slow,
            truncate,
            ..
        } = self.scaling
        else {
            return (0.0, 0.0);
        };
        let dims = self.dims as f64;
        let pair =
            |turns: f64| dims * (original / (turns * 2.0 * PI)).ln() / (2.0 * self.theta.ln());
        let (mut start, mut end) = (pair(beta_fast), pair(beta_slow));
        if truncate {
            (start, end) = (start.floor(), end.ceil());
        }
        (start.max(0.0), end.min(dims - 1.0))
    }
}

fn frequencies(theta: f64, dims: usize) -> Vec<f64> {
    (0..dims / 2)
        .map(|i| theta.powf(-2.0 * i as f64 / dims as f64))
        .collect()
}

fn divide(
    plain: &[f64],
    factors: &RopeFactors,
    read: &mut impl FnMut(&str) -> Result<Vec<f32>>,
) -> Result<Vec<f64>> {
    let (name, values) = match factors {
        RopeFactors::Listed(values) => ("rope factors", values.clone()),
        RopeFactors::Tensor(name) => (name.as_str(), read(name)?),
    };
    if values.len() != plain.len() || values.iter().any(|v| !v.is_finite() || *v <= 0.0) {
        return Err(Error::InvalidKey {
            key: name.to_owned(),
            reason: format!(
                "{} positive numbers are needed, one per rotated pair",
                plain.len()
            ),
        });
    }
    Ok(plain
        .iter()
        .zip(values)
        .map(|(f, divisor)| f / f64::from(divisor))
        .collect())
}
