//! Recurrent mixers against their definitions in f64, whatever the instruction set, the batch and the cuts of a prompt.

mod weights;

use omg_kernels::*;
use weights::Random;

fn everywhere(f: impl Fn(&Pool)) {
    for isa in Isa::available() {
        f(&Pool::with_isa(2, isa));
    }
}

fn close(found: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!(
            (f64::from(*a) - b).abs() <= tolerance * (1.0 + b.abs()),
            "[{i}]: {a} for {b}"
        );
    }
}

fn seq(rows: std::ops::Range<usize>, first_position: usize, state: u32) -> Seq<'static> {
    Seq {
        rows,
        first_position,
        block_table: &[],
        state: Some(state),
    }
}

const SLOTS: usize = 3;
const OFFSET: usize = 5;

/// Runs `rows` tokens of one sequence cut at the places given: `(rows so far, rows now, slot)` for each step.
fn in_steps(rows: usize, cuts: &[usize], mut step: impl FnMut(usize, usize)) {
    let mut first = 0;
    for &end in cuts.iter().chain([&rows]) {
        step(first, end - first);
        first = end;
    }
}

fn conv_reference(w: &[f32], bias: &[f32], x: &[f32], channels: usize) -> Vec<f64> {
    let taps = w.len() / channels;
    let mut y = Vec::new();
    for t in 0..x.len() / channels {
        for c in 0..channels {
            let mut sum = bias.get(c).map_or(0.0, |b| f64::from(*b));
            for j in 0..taps {
                if let Some(at) = (t + j + 1).checked_sub(taps) {
                    sum += f64::from(w[c * taps + j]) * f64::from(x[at * channels + c]);
                }
            }
            y.push(sum);
        }
    }
    y
}

#[test]
fn a_convolution_goes_on_where_the_step_before_ended() {
    everywhere(|pool| {
        for (channels, taps, biased) in
            [(7, 4, true), (300, 3, false), (16, 1, true), (33, 2, false)]
        {
            let mut random = Random::new(channels as u64);
            let rows = 11;
            let w = random.floats(channels * taps);
            let bias = if biased {
                random.floats(channels)
            } else {
                Vec::new()
            };
            let x = random.floats(rows * channels);
            let expected = conv_reference(&w, &bias, &x, channels);
            let weights = ConvWeights::new(&w, bias, channels);
            let width = OFFSET + ConvWeights::state_width(channels, taps);
            let mut whole: Option<Vec<f32>> = None;
            for cuts in [vec![], vec![1], vec![1, 2, 3, 10], vec![5]] {
                let mut states = States::new(SLOTS, width).unwrap();
                let mut y = vec![f32::NAN; x.len()];
                in_steps(rows, &cuts, |first, len| {
                    let range = first * channels..(first + len) * channels;
                    let seqs = [seq(0..len, first, 2)];
                    states.begin(&seqs);
                    convolve(
                        pool,
                        &weights,
                        &mut states,
                        OFFSET,
                        &x[range.clone()],
                        &seqs,
                        &mut y[range],
                    );
                });
                close(&y, &expected, 1e-5);
                assert_eq!(
                    &y,
                    whole.get_or_insert_with(|| y.clone()),
                    "cut at {cuts:?}"
                );
                assert!(states.slot(1).iter().all(|x| *x == 0.0), "another's state");
                assert!(
                    states.slot(2)[..OFFSET].iter().all(|x| *x == 0.0),
                    "what is before it"
                );
            }
        }
    });
}

struct Inputs {
    mixed: Vec<f32>,
    decay: Vec<f32>,
    strength: Vec<f32>,
    skip: Vec<f32>,
    width: usize,
}

fn inputs(shape: &RecurrenceShape, rows: usize, seed: u64) -> Inputs {
    let mut random = Random::new(seed);
    let width = 2 * shape.key_heads * shape.key_dim + shape.heads * shape.value_dim;
    let mut unit =
        |n: usize| -> Vec<f32> { random.floats(n).iter().map(|x| x.abs().min(1.0)).collect() };
    let decays = shape.heads
        * if shape.decay_per_key {
            shape.key_dim
        } else {
            1
        };
    let (decay, strength) = (unit(rows * decays), unit(rows * shape.heads));
    let skip = random.floats(shape.heads);
    let mut mixed = random.floats(rows * width);
    unit_heads(
        &Pool::new(1),
        &mut mixed,
        width,
        0..2 * shape.key_heads * shape.key_dim,
        shape.key_dim,
        1e-6,
        1.0,
    );
    Inputs {
        mixed,
        decay,
        strength,
        skip,
        width,
    }
}

impl Inputs {
    fn rows(&self, shape: &RecurrenceShape, rows: std::ops::Range<usize>) -> Recurrence<'_> {
        let part = |x: &'_ [f32], of: usize| (rows.start * of, rows.end * of, x.len());
        let (a, b, _) = part(&self.mixed, self.width);
        let decays = shape.heads
            * if shape.decay_per_key {
                shape.key_dim
            } else {
                1
            };
        let keys = shape.key_heads * shape.key_dim;
        Recurrence {
            mixed: &self.mixed[a..b],
            width: self.width,
            query: 0,
            key: keys,
            value: 2 * keys,
            decay: &self.decay[rows.start * decays..rows.end * decays],
            strength: &self.strength[rows.start * shape.heads..rows.end * shape.heads],
            skip: (!shape.delta).then_some(&self.skip),
        }
    }
}

fn reference(shape: &RecurrenceShape, inputs: &Inputs, rows: usize) -> Vec<f64> {
    let all = inputs.rows(shape, 0..rows);
    let (dk, dv) = (shape.key_dim, shape.value_dim);
    let mut out = vec![0.0; rows * shape.output_width()];
    for h in 0..shape.heads {
        let key_head = if shape.tiled {
            h % shape.key_heads
        } else {
            h / (shape.heads / shape.key_heads)
        };
        let mut state = vec![0.0f64; dk * dv];
        for t in 0..rows {
            let row = &all.mixed[t * all.width..][..all.width];
            let at = |from: usize, i: usize| f64::from(row[from + i]);
            let strength = f64::from(all.strength[t * shape.heads + h]);
            for i in 0..dk {
                let decay = match shape.decay_per_key {
                    true => all.decay[(t * shape.heads + h) * dk + i],
                    false => all.decay[t * shape.heads + h],
                };
                for j in 0..dv {
                    state[i * dv + j] *= f64::from(decay);
                }
            }
            for j in 0..dv {
                let mut value = at(all.value + h * dv, j);
                if shape.delta {
                    value -= (0..dk)
                        .map(|i| state[i * dv + j] * at(all.key + key_head * dk, i))
                        .sum::<f64>();
                }
                for i in 0..dk {
                    state[i * dv + j] += at(all.key + key_head * dk, i) * value * strength;
                }
                let read = (0..dk)
                    .map(|i| state[i * dv + j] * at(all.query + key_head * dk, i))
                    .sum::<f64>();
                let skipped = all
                    .skip
                    .map_or(0.0, |s| f64::from(s[h]) * at(all.value + h * dv, j));
                out[(t * shape.heads + h) * dv + j] = read + skipped;
            }
        }
    }
    out
}

fn shapes() -> Vec<RecurrenceShape> {
    let shape =
        |heads, key_heads, tiled, key_dim, value_dim, delta, decay_per_key| RecurrenceShape {
            heads,
            key_heads,
            tiled,
            key_dim,
            value_dim,
            delta,
            decay_per_key,
        };
    vec![
        shape(4, 2, false, 12, 20, true, false),
        shape(4, 2, true, 16, 16, true, false),
        shape(2, 2, false, 7, 33, true, true),
        shape(6, 1, false, 8, 5, false, false),
        shape(3, 3, false, 9, 16, false, true),
    ]
}

#[test]
fn a_recurrence_is_its_definition_however_it_is_cut() {
    everywhere(|pool| {
        for shape in shapes() {
            let rows = 70;
            let inputs = inputs(&shape, rows, 3);
            let expected = reference(&shape, &inputs, rows);
            let mut whole: Option<Vec<f32>> = None;
            for cuts in [vec![], vec![1], vec![31, 32, 33], vec![64]] {
                let mut states = States::new(SLOTS, OFFSET + shape.state_width()).unwrap();
                let mut out = vec![f32::NAN; expected.len()];
                in_steps(rows, &cuts, |first, len| {
                    let width = shape.output_width();
                    let out = &mut out[first * width..(first + len) * width];
                    let seqs = [seq(0..len, first, 1)];
                    states.begin(&seqs);
                    let step = inputs.rows(&shape, first..first + len);
                    recur(pool, &shape, &step, &mut states, OFFSET, &seqs, out);
                });
                close(&out, &expected, 1e-4);
                assert_eq!(
                    &out,
                    whole.get_or_insert_with(|| out.clone()),
                    "cut at {cuts:?}"
                );
            }
        }
    });
}

#[test]
fn sequences_of_a_batch_do_not_know_each_other() {
    everywhere(|pool| {
        let shape = shapes()[0];
        let rows = 9;
        let inputs = inputs(&shape, rows, 4);
        let width = shape.output_width();
        let mut states = States::new(SLOTS, shape.state_width()).unwrap();
        let mut together = vec![f32::NAN; rows * width];
        let seqs = [seq(0..4, 0, 2), seq(4..5, 0, 0), seq(5..9, 0, 1)];
        states.begin(&seqs);
        recur(
            pool,
            &shape,
            &inputs.rows(&shape, 0..rows),
            &mut states,
            0,
            &seqs,
            &mut together,
        );
        for other in seqs {
            let mut alone = States::new(1, shape.state_width()).unwrap();
            let mut out = vec![f32::NAN; other.rows.len() * width];
            let step = inputs.rows(&shape, other.rows.clone());
            recur(
                pool,
                &shape,
                &step,
                &mut alone,
                0,
                &[seq(0..other.rows.len(), 0, 0)],
                &mut out,
            );
            assert_eq!(
                out,
                together[other.rows.start * width..other.rows.end * width]
            );
            assert_eq!(alone.slot(0), states.slot(other.state.unwrap() as usize));
        }
        // A copy goes on alone, and a sequence that begins again has nothing left of the one before.
        states.copy(2, 0);
        assert_eq!(states.slot(2), states.slot(0));
        states.begin(&[seq(0..1, 0, 2), seq(1..2, 7, 0)]);
        assert!(states.slot(2).iter().all(|x| *x == 0.0));
        assert!(states.slot(0).iter().any(|x| *x != 0.0));
    });
}

#[test]
fn gates_lengths_and_group_norms() {
    everywhere(|pool| {
        let gates = StepGates {
            bias: vec![0.5, -1.0, 30.0],
            rate: vec![-0.5, -2.0, -0.01],
            limits: (0.01, 25.0),
        };
        let raw = [0.3, -9.0, 1.0, 2.0, 0.0, -5.5];
        let (mut lengths, mut decay) = (raw.to_vec(), vec![f32::NAN; 6]);
        gates.apply(&mut lengths, &mut decay);
        let mut expected = (Vec::new(), Vec::new());
        for (i, x) in raw.iter().enumerate() {
            let length = (f64::from(*x) + f64::from(gates.bias[i % 3]))
                .exp()
                .ln_1p()
                .clamp(0.01, 25.0);
            expected.0.push(length);
            expected
                .1
                .push((length * f64::from(gates.rate[i % 3])).exp());
        }
        close(&lengths, &expected.0, 1e-6);
        close(&decay, &expected.1, 1e-6);

        let x = Random::new(1).floats(4 * 50);
        let mut units = x.clone();
        unit_heads(pool, &mut units, 50, 10..40, 15, 1e-6, 2.0);
        let mut normed = x.clone();
        let weight = Random::new(2).floats(50);
        rms_norm_groups(pool, &mut normed, &weight, 25, 1e-5);
        for (i, original) in x.iter().enumerate() {
            let sum = |from: usize, len: usize| -> f64 {
                x[from..from + len]
                    .iter()
                    .map(|x| f64::from(*x).powi(2))
                    .sum()
            };
            let column = i % 50;
            let unit = match (10..40).contains(&column) {
                true => {
                    f64::from(*original) * 2.0
                        / (sum(i - column + 10 + (column - 10) / 15 * 15, 15) + 1e-6).sqrt()
                }
                false => f64::from(*original),
            };
            close(&units[i..=i], &[unit], 1e-6);
            let mean = sum(i / 25 * 25, 25) / 25.0;
            let value = f64::from(*original) / (mean + 1e-5).sqrt() * f64::from(weight[column]);
            close(&normed[i..=i], &[value], 1e-6);
        }
    });
}
