use std::cmp::Ordering;

/// A token that may still be drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) id: u32,
    pub(crate) logit: f32,
}

/// Best first; equal logits in order of id, so that every selection has one answer.
fn by_logit(a: &Candidate, b: &Candidate) -> Ordering {
    b.logit.total_cmp(&a.logit).then(a.id.cmp(&b.id))
}

/// The tokens left in a truncation chain. A vocabulary of 150,000 is never sorted as a whole: truncations select what
/// they need, and only that part is sorted.
#[derive(Debug)]
pub(crate) struct Candidates {
    items: Vec<Candidate>,
    /// `items` is sorted best first.
    sorted: bool,
}

impl Candidates {
    /// Every token with a logit above −∞. With `top_k` only the best k, sorted.
    pub(crate) fn select(logits: &[f32], top_k: Option<usize>) -> Self {
        if let Some(k) = top_k.filter(|&k| k < logits.len()) {
            return Self {
                items: best(logits, k),
                sorted: true,
            };
        }
        let items = logits
            .iter()
            .enumerate()
            .filter(|(_, l)| **l > f32::NEG_INFINITY)
            .map(|(id, &logit)| Candidate {
                id: id as u32,
                logit,
            })
            .collect();
        Self {
            items,
            sorted: false,
        }
    }

    pub(crate) fn items(&self) -> &[Candidate] {
        &self.items
    }

    fn max_logit(&self) -> f32 {
        if self.sorted {
            return self.items[0].logit;
        }
        self.items
            .iter()
            .fold(f32::NEG_INFINITY, |m, c| m.max(c.logit))
    }

    /// Probabilities in the order of `items`, and the entropy in nats.
    fn probabilities(&self) -> (Vec<f64>, f64) {
        let max = f64::from(self.max_logit());
        let mut p: Vec<f64> = self
            .items
            .iter()
            .map(|c| (f64::from(c.logit) - max).exp())
            .collect();
        let sum: f64 = p.iter().sum();
        let mut entropy = 0.0;
        for x in &mut p {
            *x /= sum;
            if *x > 0.0 {
                entropy -= *x * x.ln();
            }
        }
        (p, entropy)
    }

    /// Keeps the shortest run, in the order of `rank` (ascending, ties by id), whose mass reaches `mass`. At least one.
    fn keep_mass(&mut self, mass: f64, rank: impl Fn(&Candidate, f64) -> f64) {
        struct Ranked {
            candidate: Candidate,
            p: f64,
            rank: f64,
        }
        let (p, _) = self.probabilities();
        let mut ranked: Vec<Ranked> = self
            .items
            .iter()
            .zip(&p)
            .map(|(&candidate, &p)| Ranked {
                candidate,
                p,
                rank: rank(&candidate, p),
            })
            .collect();
        let order = |a: &Ranked, b: &Ranked| {
            a.rank
                .total_cmp(&b.rank)
                .then(a.candidate.id.cmp(&b.candidate.id))
        };
        let (mut done, mut cumulative, mut window) = (0, 0.0, 256);
        'grow: while done < ranked.len() {
            let end = (done + window).min(ranked.len());
            if end < ranked.len() {
                ranked[done..].select_nth_unstable_by(end - done - 1, order);
            }
            ranked[done..end].sort_unstable_by(order);
            while done < end {
                cumulative += ranked[done].p;
                done += 1;
                if cumulative >= mass {
                    break 'grow;
                }
            }
            window *= 8;
        }
        ranked.truncate(done);
        self.items = ranked.into_iter().map(|r| r.candidate).collect();
    }

    /// Nucleus: the most probable tokens that together reach `p`.
    pub(crate) fn top_p(&mut self, p: f32) {
        if p >= 1.0 || self.items.len() < 2 {
            return;
        }
        self.keep_mass(f64::from(p), |c, _| -f64::from(c.logit));
        self.sorted = true;
    }

    /// Locally typical sampling (Meister et al. 2022): the tokens whose surprise is nearest to the entropy.
    pub(crate) fn typical_p(&mut self, p: f32) {
        if p >= 1.0 || self.items.len() < 2 {
            return;
        }
        let (_, entropy) = self.probabilities();
        self.keep_mass(f64::from(p), |_, p| (-p.ln() - entropy).abs());
        self.items.sort_unstable_by(by_logit);
        self.sorted = true;
    }

    /// Drops the tokens less probable than `p` times the best.
    pub(crate) fn min_p(&mut self, p: f32) {
        if p <= 0.0 || self.items.is_empty() {
            return;
        }
        // p > 1 would drop the best token too.
        let floor = self.max_logit() + p.min(1.0).ln();
        self.items.retain(|c| c.logit >= floor);
    }

    pub(crate) fn sort(&mut self) {
        if !self.sorted {
            self.items.sort_unstable_by(by_logit);
            self.sorted = true;
        }
    }

    pub(crate) fn truncate(&mut self, n: usize) {
        self.items.truncate(n.max(1));
    }

    /// Divides the logits by `t` > 0.
    pub(crate) fn temperature(&mut self, t: f32) {
        for c in &mut self.items {
            c.logit /= t;
        }
    }

    /// Draws by probability; `u` in [0, 1). Returns the token and its probability among the candidates.
    pub(crate) fn draw(&self, u: f64) -> (u32, f64) {
        let max = f64::from(self.max_logit());
        let weight = |c: &Candidate| (f64::from(c.logit) - max).exp();
        let sum: f64 = self.items.iter().map(weight).sum();
        let target = u * sum;
        let mut cumulative = 0.0;
        let mut chosen = (self.items[0].id, 0.0);
        for c in &self.items {
            let w = weight(c);
            if w > 0.0 {
                chosen = (c.id, w / sum);
            }
            cumulative += w;
            if cumulative > target {
                break;
            }
        }
        chosen
    }
}

/// The `k` best, sorted. One pass with a threshold that rises as better tokens are found.
pub(crate) fn best(logits: &[f32], k: usize) -> Vec<Candidate> {
    let capacity = (2 * k).max(64);
    let mut kept: Vec<Candidate> = Vec::with_capacity(capacity);
    let mut threshold = f32::NEG_INFINITY;
    for (id, &logit) in logits.iter().enumerate() {
        // An equal logit with a higher id loses against the k that are already there.
        if logit > threshold {
            kept.push(Candidate {
                id: id as u32,
                logit,
            });
            if kept.len() == capacity {
                kept.select_nth_unstable_by(k - 1, by_logit);
                kept.truncate(k);
                threshold = kept[k - 1].logit;
            }
        }
    }
    kept.sort_unstable_by(by_logit);
    kept.truncate(k);
    kept
}

#[cfg(test)]
mod tests {
    use super::super::rng::Rng;
    use super::*;

    fn random_logits(n: usize) -> Vec<f32> {
        let mut rng = Rng::new(3);
        (0..n)
            .map(|_| ((rng.uniform() * 16.0 - 8.0) * 8.0).round() as f32 / 8.0)
            .collect()
    }

    fn sorted(logits: &[f32]) -> Vec<Candidate> {
        let mut all = Candidates::select(logits, None);
        all.sort();
        all.items
    }

    #[test]
    fn selections_agree_with_a_full_sort() {
        // Quantised logits, so that ties are common.
        let logits = random_logits(5_000);
        let all = sorted(&logits);
        for k in [1, 2, 40, 100, 4_999] {
            assert_eq!(best(&logits, k), all[..k], "k = {k}");
        }
        let max = f64::from(all[0].logit);
        let total: f64 = all.iter().map(|c| (f64::from(c.logit) - max).exp()).sum();
        for p in [0.01, 0.5, 0.9, 0.99] {
            let mut c = Candidates::select(&logits, None);
            c.top_p(p as f32);
            let mass = |n: usize| -> f64 {
                all[..n]
                    .iter()
                    .map(|c| (f64::from(c.logit) - max).exp() / total)
                    .sum()
            };
            let n = c.items.len();
            assert_eq!(c.items, all[..n]);
            assert!(
                mass(n) >= p - 1e-6 && mass(n - 1) < p + 1e-6,
                "p = {p}, n = {n}"
            );
        }
    }

    #[test]
    fn min_p_keeps_by_ratio_to_the_best() {
        let logits: Vec<f32> = [0.5f32, 0.3, 0.15, 0.05].iter().map(|p| p.ln()).collect();
        let mut c = Candidates::select(&logits, None);
        c.min_p(0.2);
        let ids: Vec<u32> = c.items.iter().map(|c| c.id).collect();
        assert_eq!(ids, [0, 1, 2]);
    }

    #[test]
    fn typical_p_prefers_average_surprise() {
        // Entropy 1.12 nats: token 1 (1.20) is nearest, then token 0 (0.69), then token 2 (1.90).
        let logits: Vec<f32> = [0.5f32, 0.3, 0.15, 0.05].iter().map(|p| p.ln()).collect();
        let ids = |p: f32| -> Vec<u32> {
            let mut c = Candidates::select(&logits, None);
            c.typical_p(p);
            c.items.iter().map(|c| c.id).collect()
        };
        assert_eq!(ids(0.2), [1]);
        assert_eq!(ids(0.7), [0, 1]);
        assert_eq!(ids(0.9), [0, 1, 2]);
    }
}
