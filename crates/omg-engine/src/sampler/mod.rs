//! From logits to a token.

mod candidates;
mod logprobs;
mod rng;
mod settings;

use std::collections::HashMap;

pub(crate) use logprobs::{Logprobs, logprobs_of};
pub(crate) use settings::Settings;

use crate::error::{EngineError, Result};
use candidates::Candidates;
use rng::Rng;

/// Candidates over which Mirostat 1 estimates the exponent of Zipf's law (the paper's m).
const MIROSTAT_M: usize = 100;

/// Draws the tokens of one request. The order is that of llama.cpp's default chain: bias, penalties, top-k, typical,
/// top-p, min-p, temperature, draw; Mirostat takes the place of the truncations. Its state depends only on its own
/// request's logits and tokens, so a request draws the same tokens alone, batched or after a preemption.
#[derive(Debug)]
pub(crate) struct Sampler {
    settings: Settings,
    rng: Rng,
    /// Mirostat's running bound on the surprise, in bits.
    mu: f64,
}

impl Sampler {
    pub(crate) fn new(settings: Settings) -> Self {
        let seed = settings.seed.unwrap_or_else(Rng::random_seed);
        Self {
            rng: Rng::new(seed),
            mu: 2.0 * f64::from(settings.mirostat_tau),
            settings,
        }
    }

    /// Chooses the token that follows `history` (prompt and answer). `logits` is changed. `NotFinite` when a logit is
    /// NaN or +∞; `InvalidRequest` when the bias bans every token.
    pub(crate) fn sample(&mut self, logits: &mut [f32], history: &[u32]) -> Result<u32> {
        // The comparison is false for NaN, too.
        if !logits.iter().all(|l| *l < f32::INFINITY) {
            return Err(EngineError::NotFinite);
        }
        self.apply_bias(logits);
        self.apply_penalties(logits, history);
        let s = &self.settings;
        if s.temperature == 0.0 {
            return argmax(logits).ok_or_else(nothing_left);
        }
        let mut candidates = match s.mirostat {
            0 => Candidates::select(logits, s.top_k),
            _ => Candidates::select(logits, None),
        };
        if candidates
            .items()
            .first()
            .is_none_or(|c| c.logit == f32::NEG_INFINITY)
        {
            return Err(nothing_left());
        }
        match s.mirostat {
            1 => Ok(self.mirostat_1(candidates)),
            2 => Ok(self.mirostat_2(candidates)),
            _ => {
                candidates.typical_p(s.typical_p);
                candidates.top_p(s.top_p);
                candidates.min_p(s.min_p);
                candidates.temperature(s.temperature);
                Ok(candidates.draw(self.rng.uniform()).0)
            }
        }
    }

    fn apply_bias(&self, logits: &mut [f32]) {
        for &(token, bias) in &self.settings.logit_bias {
            if let Some(logit) = logits.get_mut(token as usize) {
                *logit = if bias <= -100.0 {
                    f32::NEG_INFINITY
                } else {
                    *logit + bias
                };
            }
        }
    }

    fn apply_penalties(&self, logits: &mut [f32], history: &[u32]) {
        let s = &self.settings;
        let off =
            s.repeat_penalty == 1.0 && s.presence_penalty == 0.0 && s.frequency_penalty == 0.0;
        if off || s.repeat_window == 0 {
            return;
        }
        let window = &history[history.len().saturating_sub(s.repeat_window)..];
        let mut counts: HashMap<u32, u32> = HashMap::new();
        for &token in window {
            *counts.entry(token).or_default() += 1;
        }
        for (token, count) in counts {
            let Some(logit) = logits.get_mut(token as usize) else {
                continue;
            };
            if *logit <= 0.0 {
                *logit *= s.repeat_penalty;
            } else {
                *logit /= s.repeat_penalty;
            }
            *logit -= count as f32 * s.frequency_penalty + s.presence_penalty;
        }
    }

    /// Mirostat (Basu et al. 2021), algorithm 1: k from the Zipf exponent of the best candidates and the bound mu.
    fn mirostat_1(&mut self, mut candidates: Candidates) -> u32 {
        candidates.temperature(self.settings.temperature);
        let vocabulary = candidates.items().len() as f64;
        candidates.sort();
        let items = candidates.items();
        let (mut numerator, mut denominator) = (0.0, 0.0);
        for i in 0..MIROSTAT_M.min(items.len()).saturating_sub(1) {
            let t = ((i + 2) as f64 / (i + 1) as f64).ln();
            // The logarithm of a ratio of probabilities is a difference of logits.
            let b = f64::from(items[i].logit) - f64::from(items[i + 1].logit);
            numerator += t * b;
            denominator += t * t;
        }
        let s = if denominator > 0.0 {
            numerator / denominator
        } else {
            1.0
        };
        let epsilon = s - 1.0;
        let k = if epsilon.abs() < 1e-9 {
            // The limit of the formula for s → 1.
            self.mu.exp2() / vocabulary.ln().max(1.0)
        } else {
            (epsilon * self.mu.exp2() / (1.0 - vocabulary.powf(-epsilon))).powf(1.0 / s)
        };
        let k = if k.is_finite() {
            k.round().clamp(1.0, vocabulary) as usize
        } else {
            items.len()
        };
        candidates.truncate(k);
        self.mirostat_draw(&candidates)
    }

    /// Mirostat 2: drops the tokens whose surprise is over mu.
    fn mirostat_2(&mut self, mut candidates: Candidates) -> u32 {
        candidates.temperature(self.settings.temperature);
        candidates.sort();
        let best = f64::from(candidates.items()[0].logit);
        let weight = |logit: f32| (f64::from(logit) - best).exp();
        let total: f64 = candidates.items().iter().map(|c| weight(c.logit)).sum();
        let keep = candidates
            .items()
            .iter()
            .take_while(|c| -(weight(c.logit) / total).log2() <= self.mu)
            .count();
        candidates.truncate(keep);
        self.mirostat_draw(&candidates)
    }

    /// Draws, and moves mu by the error between the drawn surprise and tau. The surprise is measured
    /// among the renormalised candidates, as in llama.cpp.
    fn mirostat_draw(&mut self, candidates: &Candidates) -> u32 {
        let (token, p) = candidates.draw(self.rng.uniform());
        let error = -p.log2() - f64::from(self.settings.mirostat_tau);
        self.mu -= f64::from(self.settings.mirostat_eta) * error;
        token
    }
}

/// The first of the largest.
fn argmax(logits: &[f32]) -> Option<u32> {
    let mut best = None;
    let mut max = f32::NEG_INFINITY;
    for (id, &logit) in logits.iter().enumerate() {
        if logit > max {
            max = logit;
            best = Some(id as u32);
        }
    }
    best
}

fn nothing_left() -> EngineError {
    EngineError::InvalidRequest("the logit bias bans every token that may come next".to_owned())
}

#[cfg(test)]
mod tests;
