use super::*;
use crate::types::Sampling;

fn sampler(sampling: &Sampling) -> Sampler {
    Sampler::new(Settings::resolve(sampling).expect("valid settings"))
}

/// No truncation, temperature 1.
fn plain(seed: i64) -> Sampling {
    Sampling {
        temperature: Some(1.0),
        top_k: Some(0),
        top_p: Some(1.0),
        seed: Some(seed),
        ..Sampling::default()
    }
}

fn frequencies(sampling: &Sampling, logits: &[f32], draws: usize) -> Vec<f64> {
    let mut s = sampler(sampling);
    let mut counts = vec![0usize; logits.len()];
    for _ in 0..draws {
        let token = s.sample(&mut logits.to_vec(), &[]).expect("a token");
        counts[token as usize] += 1;
    }
    counts.iter().map(|&n| n as f64 / draws as f64).collect()
}

fn log(p: &[f32]) -> Vec<f32> {
    p.iter().map(|p| p.ln()).collect()
}

fn close(got: &[f64], want: &[f64]) {
    for (g, w) in got.iter().zip(want) {
        assert!((g - w).abs() < 0.01, "{got:?} against {want:?}");
    }
}

#[test]
fn draws_follow_the_softmax() {
    let p = [0.5f32, 0.3, 0.15, 0.05];
    close(
        &frequencies(&plain(1), &log(&p), 50_000),
        &[0.5, 0.3, 0.15, 0.05],
    );
}

#[test]
fn temperature_sharpens_after_the_truncations() {
    let p = [0.5f32, 0.3, 0.15, 0.05];
    let half = Sampling {
        temperature: Some(0.5),
        ..plain(2)
    };
    let squares: Vec<f64> = p.iter().map(|&p| f64::from(p).powi(2)).collect();
    let sum: f64 = squares.iter().sum();
    let want: Vec<f64> = squares.iter().map(|s| s / sum).collect();
    close(&frequencies(&half, &log(&p), 50_000), &want);
    // top-p looks at the distribution before the temperature: 0.5 + 0.3 reach 0.75, though sharpened 0.5 is enough.
    let nucleus = Sampling {
        top_p: Some(0.75),
        ..half
    };
    close(
        &frequencies(&nucleus, &log(&p), 50_000),
        &[0.25 / 0.34, 0.09 / 0.34, 0.0, 0.0],
    );
}

#[test]
fn top_k_and_min_p_cut() {
    let p = [0.5f32, 0.3, 0.15, 0.05];
    let two = Sampling {
        top_k: Some(2),
        ..plain(3)
    };
    close(
        &frequencies(&two, &log(&p), 50_000),
        &[0.625, 0.375, 0.0, 0.0],
    );
    let min = Sampling {
        min_p: Some(0.25),
        ..plain(4)
    };
    let sum = 0.95;
    close(
        &frequencies(&min, &log(&p), 50_000),
        &[0.5 / sum, 0.3 / sum, 0.15 / sum, 0.0],
    );
}

#[test]
fn greedy_takes_the_first_of_the_best() {
    let greedy = Sampling {
        temperature: Some(0.0),
        ..Sampling::default()
    };
    let token = sampler(&greedy)
        .sample(&mut [1.0, 3.0, 3.0, 2.0], &[])
        .expect("a token");
    assert_eq!(token, 1);
}

#[test]
fn a_seed_repeats_and_another_differs() {
    let logits: Vec<f32> = (0..1000).map(|i| (i % 7) as f32 * 0.1).collect();
    let draw = |seed| -> Vec<u32> {
        let mut s = sampler(&plain(seed));
        (0..50)
            .map(|_| s.sample(&mut logits.clone(), &[]).expect("a token"))
            .collect()
    };
    assert_eq!(draw(11), draw(11));
    assert_ne!(draw(11), draw(12));
    // A negative seed is a seed, too.
    assert_eq!(draw(-5), draw(-5));
}

#[test]
fn penalties_use_counts_within_the_window() {
    let penalised = |repeat_last_n: i64, history: &[u32]| -> Vec<f32> {
        let s = sampler(&Sampling {
            repeat_penalty: Some(2.0),
            presence_penalty: Some(0.5),
            frequency_penalty: Some(0.25),
            repeat_last_n: Some(repeat_last_n),
            ..Sampling::default()
        });
        let mut logits = vec![4.0, -4.0, 1.0];
        s.apply_penalties(&mut logits, history);
        logits
    };
    assert_eq!(
        penalised(64, &[0, 0, 1]),
        [4.0 / 2.0 - 0.5 - 0.5, -8.0 - 0.25 - 0.5, 1.0]
    );
    assert_eq!(penalised(1, &[0, 0, 1]), [4.0, -8.75, 1.0]);
    assert_eq!(penalised(0, &[0, 0, 1]), [4.0, -4.0, 1.0]);
    assert_eq!(penalised(-1, &[0, 0, 1]), penalised(3, &[0, 0, 1]));
}

#[test]
fn bias_moves_and_bans() {
    let p = [0.5f32, 0.5];
    let ban = Sampling {
        logit_bias: Some(vec![(0, -100.0), (99, 5.0)]),
        ..plain(5)
    };
    close(&frequencies(&ban, &log(&p), 1_000), &[0.0, 1.0]);
    let all = Sampling {
        logit_bias: Some(vec![(0, -100.0), (1, -100.0)]),
        ..plain(5)
    };
    for temperature in [0.0, 1.0] {
        let s = Sampling {
            temperature: Some(temperature),
            ..all.clone()
        };
        let error = sampler(&s)
            .sample(&mut log(&p), &[])
            .expect_err("nothing is left");
        assert_eq!(error.code(), "invalid_request");
    }
}

#[test]
fn numbers_that_are_not_finite_are_an_error() {
    for bad in [f32::NAN, f32::INFINITY] {
        for temperature in [0.0, 1.0] {
            let s = Sampling {
                temperature: Some(temperature),
                ..Sampling::default()
            };
            let error = sampler(&s)
                .sample(&mut [0.0, bad, 1.0], &[])
                .expect_err("not finite");
            assert!(matches!(error, EngineError::NotFinite));
        }
    }
}

#[test]
fn mirostat_brings_the_surprise_to_tau() {
    // Zipf's law over 5,000 tokens; its own entropy is about 9.3 bits.
    let logits: Vec<f32> = (0..5_000).map(|i| -((i + 1) as f32).ln()).collect();
    let total: f64 = logits.iter().map(|&l| f64::from(l).exp()).sum();
    for version in [1, 2] {
        let mean = |tau: f32| -> f64 {
            let mut s = sampler(&Sampling {
                mirostat: Some(version),
                mirostat_tau: Some(tau),
                ..plain(6)
            });
            let surprise = |token: u32| -(f64::from(logits[token as usize]).exp() / total).log2();
            let draws: Vec<f64> = (0..4_000)
                .map(|_| surprise(s.sample(&mut logits.clone(), &[]).expect("a token")))
                .collect();
            draws[2_000..].iter().sum::<f64>() / 2_000.0
        };
        let (low, high) = (mean(3.0), mean(6.0));
        assert!(low + 1.0 < high, "version {version}: {low} {high}");
        assert!((3.0..6.5).contains(&low), "version {version}: {low}");
    }
}

#[test]
fn settings_out_of_range_are_named() {
    for (sampling, name) in [
        (
            Sampling {
                temperature: Some(-1.0),
                ..Sampling::default()
            },
            "temperature",
        ),
        (
            Sampling {
                top_p: Some(1.5),
                ..Sampling::default()
            },
            "topP",
        ),
        (
            Sampling {
                repeat_penalty: Some(0.0),
                ..Sampling::default()
            },
            "repeatPenalty",
        ),
        (
            Sampling {
                mirostat: Some(3),
                ..Sampling::default()
            },
            "mirostat",
        ),
        (
            Sampling {
                temperature: Some(f32::NAN),
                ..Sampling::default()
            },
            "temperature",
        ),
    ] {
        let error = Settings::resolve(&sampling).expect_err("out of range");
        assert_eq!(error.code(), "invalid_request");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn the_request_beats_the_defaults() {
    let request = Sampling {
        temperature: Some(0.1),
        top_k: Some(20),
        ..Sampling::default()
    };
    let s = Settings::resolve(&request).expect("valid");
    assert_eq!((s.temperature, s.top_k, s.top_p), (0.1, Some(20), 0.9));
}
