use super::candidates::best;

/// Log probabilities of one position under the softmax of the model's own logits.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Logprobs {
    pub(crate) logprob: f32,
    /// (token, log probability), best first.
    pub(crate) top: Vec<(u32, f32)>,
}

/// `token`'s and the `n` best log probabilities. `logits` must be unmodified and finite where not −∞.
pub(crate) fn logprobs_of(logits: &[f32], token: u32, n: usize) -> Logprobs {
    let max = logits.iter().fold(f32::NEG_INFINITY, |m, &l| m.max(l));
    let sum: f64 = logits.iter().map(|&l| f64::from(l - max).exp()).sum();
    let log_sum = f64::from(max) + sum.ln();
    let of = |logit: f32| (f64::from(logit) - log_sum) as f32;
    let top = if n == 0 {
        Vec::new()
    } else {
        best(logits, n.min(logits.len()))
            .into_iter()
            .map(|c| (c.id, of(c.logit)))
            .collect()
    };
    let logit = logits
        .get(token as usize)
        .copied()
        .unwrap_or(f32::NEG_INFINITY);
    Logprobs {
        // JSON has no −∞.
        logprob: of(logit).max(f32::MIN),
        top,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_those_of_the_plain_softmax() {
        let logits: Vec<f32> = [0.1f32, 0.6, 0.3].iter().map(|p| p.ln() + 5.0).collect();
        let got = logprobs_of(&logits, 0, 2);
        assert!((got.logprob - 0.1f32.ln()).abs() < 1e-5);
        assert_eq!(got.top.iter().map(|t| t.0).collect::<Vec<_>>(), [1, 2]);
        assert!((got.top[0].1 - 0.6f32.ln()).abs() < 1e-5);
    }
}
