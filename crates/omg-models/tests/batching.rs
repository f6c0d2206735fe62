//! Sequences are independent of each other: of how they are cut into chunks, and of what else is in the batch.

mod fixture;

use fixture::{BLOCK, Form, cases, largest_difference, load, run, run_in};
use omg_models::{Batch, DeviceChoice, Error, Model, Seq};

const DEVICES: [DeviceChoice; 2] = [DeviceChoice::Cpu { threads: 2 }, DeviceChoice::CpuTensors];

fn tokens(seed: u32, len: usize) -> Vec<u32> {
    (0..len as u32)
        .map(|i| 3 + (seed * 97 + i * 31 + i * i * 7) % 280)
        .collect()
}

/// One sequence in full, the logits of every token.
fn alone(model: &Model, tokens: &[u32]) -> Vec<f32> {
    let all: Vec<usize> = (0..tokens.len()).collect();
    run(
        model,
        &mut model.new_kv(4).unwrap(),
        &[2, 0, 3, 1],
        0,
        tokens,
        &all,
    )
}

#[test]
fn a_mixed_batch_gives_the_bits_of_each_sequence_alone() {
    for case in cases(Form::Safetensors) {
        let model = load(&case, Form::Safetensors, DEVICES[0], 256);
        let vocab = model.spec().vocab;
        let (long, short, decoding) = (tokens(1, 70), tokens(2, 5), tokens(3, 41));
        let mut kv = model.new_cache(8, 3).unwrap();
        let (a, b, c) = ([5u32, 1, 7], [0u32], [3u32, 6]);
        // `long` and `decoding` have a past: a chunk each has been run before.
        run_in(&model, &mut kv, 1, &a, 0, &long[..37], &[]);
        run_in(&model, &mut kv, 2, &c, 0, &decoding[..40], &[]);

        let batch: Vec<u32> = [&decoding[40..], &long[37..], &short[..]].concat();
        let positions: Vec<u32> = [40..41u32, 37..70, 0..5].into_iter().flatten().collect();
        let seqs = [
            Seq {
                rows: 0..1,
                first_position: 40,
                block_table: &c,
                state: Some(2),
            },
            Seq {
                rows: 1..34,
                first_position: 37,
                block_table: &a,
                state: Some(1),
            },
            Seq {
                rows: 34..39,
                first_position: 0,
                block_table: &b,
                state: Some(0),
            },
        ];
        let outputs: Vec<usize> = (0..39).collect();
        let batch = Batch {
            tokens: &batch,
            positions: &positions,
            seqs: &seqs,
            outputs: &outputs,
        };
        let logits = model.forward(&mut kv, &batch).unwrap();

        let row = |index: usize| &logits[index * vocab..(index + 1) * vocab];
        let same = |got: &[f32], expected: &[f32]| {
            got.iter()
                .zip(expected)
                .all(|(a, b)| a.to_bits() == b.to_bits())
        };
        assert!(
            same(row(0), &alone(&model, &decoding)[40 * vocab..]),
            "{case}: the decoded token"
        );
        assert!(
            same(
                &logits[vocab..34 * vocab],
                &alone(&model, &long)[37 * vocab..]
            ),
            "{case}: the later chunk"
        );
        assert!(
            same(&logits[34 * vocab..], &alone(&model, &short)),
            "{case}: the whole prompt"
        );
    }
}

#[test]
fn decoding_one_by_one_continues_a_prefill() {
    for device in DEVICES {
        for case in cases(Form::Safetensors) {
            let model = load(&case, Form::Safetensors, device, 256);
            let vocab = model.spec().vocab;
            let tokens = tokens(4, BLOCK + 9);
            let expected = alone(&model, &tokens);
            let mut kv = model.new_kv(2).unwrap();
            run(&model, &mut kv, &[1, 0], 0, &tokens[..BLOCK - 2], &[]);
            for position in BLOCK - 2..tokens.len() {
                let logits = run(
                    &model,
                    &mut kv,
                    &[1, 0],
                    position,
                    &tokens[position..position + 1],
                    &[0],
                );
                let difference = largest_difference(
                    &logits,
                    &expected[position * vocab..(position + 1) * vocab],
                );
                let limit = if device == DeviceChoice::CpuTensors {
                    1e-3
                } else {
                    0.0
                };
                assert!(
                    difference <= limit,
                    "{case} on {device:?} at {position}: {difference}"
                );
            }
        }
    }
}

#[test]
fn a_copied_block_continues_a_sequence() {
    for device in DEVICES {
        let model = load("qwen3", Form::Safetensors, device, 256);
        let tokens = tokens(5, BLOCK + 4);
        let mut kv = model.new_kv(5).unwrap();
        let expected = run(&model, &mut kv, &[0, 1], 0, &tokens, &[BLOCK + 3]);
        model.copy_block(&mut kv, 0, 4).unwrap();
        model.copy_block(&mut kv, 1, 2).unwrap();
        let last = BLOCK + 3;
        let logits = run(&model, &mut kv, &[4, 2], last, &tokens[last..], &[0]);
        assert!(largest_difference(&logits, &expected) <= 1e-5);
        assert!(matches!(
            model.copy_block(&mut kv, 0, 5),
            Err(Error::InvalidBatch { .. })
        ));
    }
}

#[test]
fn hidden_states_come_from_the_rows_asked_for() {
    for device in DEVICES {
        let model = load("llama", Form::Gguf, device, 256);
        let (tokens, width) = (tokens(6, 7), model.spec().hidden);
        let hidden = |outputs: &[usize]| {
            let positions: Vec<u32> = (0..7).collect();
            let seq = Seq {
                rows: 0..7,
                first_position: 0,
                block_table: &[0],
                state: Some(0),
            };
            let batch = Batch {
                tokens: &tokens,
                positions: &positions,
                seqs: &[seq],
                outputs,
            };
            model.hidden(&mut model.new_kv(1).unwrap(), &batch).unwrap()
        };
        let all = hidden(&[0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(all.len(), 7 * width);
        let picked = [&all[5 * width..6 * width], &all[2 * width..3 * width]].concat();
        assert!(largest_difference(&hidden(&[5, 2]), &picked) <= 1e-5);
        assert!(hidden(&[]).is_empty());
    }
}

#[test]
fn batches_that_reach_outside_are_refused() {
    let model = load("qwen2", Form::Gguf, DEVICES[0], 256);
    let mut kv = model.new_kv(2).unwrap();
    let good = [5u32, 6];
    let table = [0u32];
    let mut refuse = |tokens: &[u32],
                      positions: &[u32],
                      rows: std::ops::Range<usize>,
                      first,
                      table: &[u32],
                      out: usize| {
        let seqs = [Seq {
            rows,
            first_position: first,
            block_table: table,
            state: Some(0),
        }];
        let batch = Batch {
            tokens,
            positions,
            seqs: &seqs,
            outputs: &[out],
        };
        let error = model.forward(&mut kv, &batch).unwrap_err();
        assert_eq!(error.code(), "internal");
        assert!(matches!(error, Error::InvalidBatch { .. }));
    };
    refuse(&[], &[], 0..0, 0, &table, 0);
    refuse(&[5, 100_000], &[0, 1], 0..2, 0, &table, 0);
    refuse(&good, &[0], 0..2, 0, &table, 0);
    refuse(&good, &[0, 1], 0..1, 0, &table, 0);
    refuse(&good, &[0, 1], 1..2, 0, &table, 0);
    refuse(&good, &[0, 1], 0..2, BLOCK - 1, &table, 0);
    refuse(&good, &[0, 1], 0..2, 0, &[2], 0);
    refuse(&good, &[0, 1], 0..2, 0, &table, 2);
}
