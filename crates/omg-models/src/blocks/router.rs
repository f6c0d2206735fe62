use omg_kernels::Routes;

use crate::spec::{GroupScore, Groups, RouterSpec, Score};

/// Weights below this sum are not divided by it: nothing was chosen with any confidence.
const SMALLEST_SUM: f32 = 1e-20;

/// The experts of each row of `logits` `[rows, experts]`, best first, and their weights. All in f32 on the host, so that
/// every device chooses the same experts. `correction` has an element per expert.
pub(crate) fn route(
    spec: &RouterSpec,
    used: usize,
    correction: Option<&[f32]>,
    logits: &[f32],
    experts: usize,
) -> Routes {
    let rows = logits.len() / experts;
    let mut routes = Routes {
        used,
        experts: Vec::with_capacity(rows * used),
        weights: Vec::with_capacity(rows * used),
    };
    for logits in logits.chunks_exact(experts) {
        let first = routes.weights.len();
        if let Score::SparseMixer { jitter } = spec.score {
            sparse_mixer(logits, used, jitter, &mut routes);
        } else {
            choose(spec, used, correction, logits, &mut routes);
        }
        let weights = &mut routes.weights[first..];
        if spec.renormalise {
            let sum = weights.iter().sum::<f32>().max(SMALLEST_SUM);
            weights.iter_mut().for_each(|weight| *weight /= sum);
        }
        weights.iter_mut().for_each(|weight| *weight *= spec.scale);
    }
    routes
}

fn choose(
    spec: &RouterSpec,
    used: usize,
    correction: Option<&[f32]>,
    logits: &[f32],
    routes: &mut Routes,
) {
    let mut scores = logits.to_vec();
    match spec.score {
        Score::Softmax => softmax(&mut scores),
        Score::Sigmoid => scores.iter_mut().for_each(|x| *x = sigmoid(*x)),
        Score::SqrtSoftplus => scores.iter_mut().for_each(|x| {
            // ln(1 + eˣ), without overflow for large x.
            *x = (x.max(0.0) + (-x.abs()).exp().ln_1p()).sqrt();
        }),
        Score::SoftmaxOfChosen | Score::SparseMixer { .. } => {}
    }
    let mut chances = scores.clone();
    if let Some(correction) = correction {
        chances
            .iter_mut()
            .zip(correction)
            .for_each(|(x, c)| *x += c);
    }
    if let Some(groups) = spec.groups {
        leave_out(groups, &mut chances);
    }
    let chosen = largest(&chances, used);
    let mut weights: Vec<f32> = chosen.iter().map(|at| scores[*at as usize]).collect();
    if spec.score == Score::SoftmaxOfChosen {
        softmax(&mut weights);
    }
    routes.experts.extend(chosen);
    routes.weights.extend(weights);
}

/// Makes the chances of all groups but the best hopeless.
fn leave_out(groups: Groups, chances: &mut [f32]) {
    let size = chances.len() / groups.count;
    let worth = |group: &[f32]| {
        let best = largest(group, 2);
        let value = |at: usize| best.get(at).map_or(0.0, |index| group[*index as usize]);
        match groups.by {
            GroupScore::Max => value(0),
            GroupScore::TopTwo => value(0) + value(1),
        }
    };
    let worths: Vec<f32> = chances.chunks_exact(size).map(worth).collect();
    let kept = largest(&worths, groups.used);
    for (index, group) in chances.chunks_exact_mut(size).enumerate() {
        if !kept.contains(&(index as u32)) {
            group.fill(f32::NEG_INFINITY);
        }
    }
}

fn sparse_mixer(logits: &[f32], used: usize, jitter: f32, routes: &mut Routes) {
    let mut left = logits.to_vec();
    for _ in 0..used {
        let Some(&best) = largest(&left, 1).first() else {
            return;
        };
        let top = left[best as usize];
        // The distance is taken to the outputs as they were, also to those of experts chosen before.
        let near = |x: f32| (top - x) / x.abs().max(top) <= 2.0 * jitter;
        let sum: f32 = left
            .iter()
            .zip(logits)
            .filter(|(_, logit)| near(**logit))
            .map(|(x, _)| (x - top).exp())
            .sum();
        routes.experts.push(best);
        routes.weights.push(sum.recip());
        left[best as usize] = f32::NEG_INFINITY;
    }
}

/// Indices of the largest values, largest first; of equal ones the first. What is not a number is the smallest.
fn largest(values: &[f32], count: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..values.len() as u32).collect();
    let value = |at: u32| match values[at as usize] {
        x if x.is_nan() => f32::NEG_INFINITY,
        x => x,
    };
    order.sort_by(|a, b| value(*b).total_cmp(&value(*a)));
    order.truncate(count);
    order
}

pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

fn softmax(values: &mut [f32]) {
    let top = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    values.iter_mut().for_each(|x| *x = (*x - top).exp());
    let sum: f32 = values.iter().sum();
    values.iter_mut().for_each(|x| *x /= sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: RouterSpec = RouterSpec {
        score: Score::Softmax,
        bias: false,
        correction: false,
        groups: None,
        renormalise: false,
        scale: 1.0,
        weight_on_input: false,
    };

    fn close(weights: &[f32], expected: &[f32]) {
        assert_eq!(weights.len(), expected.len());
        for (a, b) in weights.iter().zip(expected) {
            assert!((a - b).abs() < 1e-5, "{weights:?} for {expected:?}");
        }
    }

    #[test]
    fn softmax_before_and_after_the_choice() {
        let logits = [0.0, 2.0, 1.0, -1.0];
        let sum: f32 = logits.iter().map(|x: &f32| x.exp()).sum();
        let plain = route(&PLAIN, 2, None, &logits, 4);
        assert_eq!(plain.experts, [1, 2]);
        close(&plain.weights, &[2f32.exp() / sum, 1f32.exp() / sum]);

        let renormalised = RouterSpec {
            renormalise: true,
            scale: 2.0,
            ..PLAIN
        };
        let chosen = RouterSpec {
            score: Score::SoftmaxOfChosen,
            scale: 2.0,
            ..PLAIN
        };
        let expected = [2.0 / (1.0 + (-1f32).exp()), 2.0 / (1.0 + 1f32.exp())];
        close(
            &route(&renormalised, 2, None, &logits, 4).weights,
            &expected,
        );
        close(&route(&chosen, 2, None, &logits, 4).weights, &expected);
    }

    #[test]
    fn a_correction_chooses_and_does_not_weigh() {
        let spec = RouterSpec {
            score: Score::Sigmoid,
            ..PLAIN
        };
        let routes = route(&spec, 1, Some(&[0.0, 0.0, 5.0]), &[3.0, 0.0, -2.0], 3);
        assert_eq!(routes.experts, [2]);
        close(&routes.weights, &[1.0 / (1.0 + 2f32.exp())]);
    }

    #[test]
    fn groups_are_valued_by_their_best_or_their_two_best() {
        // Group 0 has the largest score, group 1 the larger pair.
        let logits = [0.9, 0.0, 0.7, 0.6];
        let spec = |by| RouterSpec {
            score: Score::Sigmoid,
            groups: Some(Groups {
                count: 2,
                used: 1,
                by,
            }),
            ..PLAIN
        };
        assert_eq!(
            route(&spec(GroupScore::Max), 2, None, &logits, 4).experts,
            [0, 1]
        );
        assert_eq!(
            route(&spec(GroupScore::TopTwo), 2, None, &logits, 4).experts,
            [2, 3]
        );
    }

    #[test]
    fn equal_scores_go_to_the_first_and_nan_to_nobody() {
        let routes = route(
            &PLAIN,
            2,
            None,
            &[1.0, 1.0, 1.0, f32::NAN, 0.0, 0.0, 0.0, 0.0],
            4,
        );
        assert_eq!(routes.experts, [0, 1, 0, 1]);
    }

    #[test]
    fn a_large_output_has_a_finite_score() {
        let spec = RouterSpec {
            score: Score::SqrtSoftplus,
            ..PLAIN
        };
        close(
            &route(&spec, 2, None, &[400.0, 0.0], 2).weights,
            &[20.0, 2f32.ln().sqrt()],
        );
    }

    #[test]
    fn a_sparse_mixer_weighs_only_near_outputs() {
        let spec = RouterSpec {
            score: Score::SparseMixer { jitter: 0.01 },
            ..PLAIN
        };
        let routes = route(&spec, 2, None, &[1.0, 0.995, 0.5], 3);
        assert_eq!(routes.experts, [0, 1]);
        let near = (-0.005f32).exp();
        close(&routes.weights, &[1.0 / (1.0 + near), 1.0]);
    }
}
