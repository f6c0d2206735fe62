//! A model whose next token depends on every token before it, read back through the block table, so that a wrong block
//! changes the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use omg_models::Batch;

use crate::cache::StateCopy;
use crate::error::{EngineError, Result};
use crate::forward::{Forward, TokenDecoder, Vocabulary};
use crate::tokenizer::Reach;
use crate::types::PromptSegment;

pub(crate) const BLOCK: usize = 4;
/// The model's logits have two more columns than the tokenizer has tokens.
pub(crate) const VOCAB: usize = 48;
pub(crate) const EOG: u32 = 0;

#[derive(Default)]
pub(crate) struct Faults {
    /// Calls until the fault, counted down; 0 is off.
    pub(crate) panic_in: AtomicUsize,
    pub(crate) error_in: AtomicUsize,
    pub(crate) nan_in: AtomicUsize,
    pub(crate) calls: AtomicUsize,
    pub(crate) largest_batch: AtomicUsize,
}

fn strikes(counter: &AtomicUsize) -> bool {
    let left = counter.load(Ordering::Relaxed);
    counter.store(left.saturating_sub(1), Ordering::Relaxed);
    left == 1
}

pub(crate) struct MockModel {
    kv: Vec<Option<u32>>,
    faults: Arc<Faults>,
}

impl MockModel {
    pub(crate) fn new(blocks: usize, faults: Arc<Faults>) -> Self {
        Self {
            kv: vec![None; blocks * BLOCK],
            faults,
        }
    }

    /// A digest of the tokens up to each output row.
    fn digests(&mut self, batch: &Batch<'_>) -> Vec<u64> {
        let mut digests = Vec::new();
        for seq in batch.seqs {
            for (i, row) in seq.rows.clone().enumerate() {
                let position = seq.first_position + i;
                assert_eq!(batch.positions[row] as usize, position);
                let slot = |p: usize| seq.block_table[p / BLOCK] as usize * BLOCK + p % BLOCK;
                self.kv[slot(position)] = Some(batch.tokens[row]);
                if batch.outputs.contains(&row) {
                    let mut digest = NOTHING;
                    for p in 0..=position {
                        let token = self.kv[slot(p)].expect("a token that was never computed");
                        digest = after(digest, token);
                    }
                    digests.push(digest);
                }
            }
        }
        digests
    }
}

impl Forward for MockModel {
    fn vocab_size(&self) -> usize {
        VOCAB + 2
    }

    fn forward(&mut self, batch: &Batch<'_>) -> Result<Vec<f32>> {
        self.faults.calls.fetch_add(1, Ordering::Relaxed);
        self.faults
            .largest_batch
            .fetch_max(batch.seqs.len(), Ordering::Relaxed);
        assert!(
            !strikes(&self.faults.panic_in),
            "a panic that a test asked for"
        );
        if strikes(&self.faults.error_in) {
            return Err(EngineError::Internal(
                "an error that a test asked for".to_owned(),
            ));
        }
        let nan = strikes(&self.faults.nan_in);
        let logits = logits(self.digests(batch));
        Ok(match nan {
            true => vec![f32::NAN; logits.len()],
            false => logits,
        })
    }

    fn copy_state(&mut self, _: StateCopy) -> Result<()> {
        panic!("a model without states");
    }

    fn hidden(&mut self, batch: &Batch<'_>) -> Result<Vec<f32>> {
        let digests = self.digests(batch);
        Ok(digests
            .iter()
            .flat_map(|d| [(d >> 48) as f32, 1.0])
            .collect())
    }
}

/// The digest of no tokens.
const NOTHING: u64 = 0xcbf2_9ce4_8422_2325;

fn after(digest: u64, token: u32) -> u64 {
    let digest = (digest ^ u64::from(token + 1)).wrapping_mul(0x0100_0000_01b3);
    digest ^ digest >> 29
}

fn logits(digests: Vec<u64>) -> Vec<f32> {
    let mut logits = Vec::new();
    for mut digest in digests {
        for column in 0..VOCAB + 2 {
            digest = digest.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            let mut logit = (digest >> 40) as f32 / (1u64 << 22) as f32;
            if column == EOG as usize {
                logit -= 2.0;
            }
            // The padding columns would win if they counted.
            if column >= VOCAB {
                logit = 50.0;
            }
            logits.push(logit);
        }
    }
    logits
}

/// The same model, as one that keeps a state per sequence and nothing per token.
pub(crate) struct RecurrentModel {
    /// By slot, with the tokens in it.
    states: Vec<(u64, usize)>,
    /// Tokens computed by all models that share it.
    computed: Arc<AtomicUsize>,
}

impl RecurrentModel {
    pub(crate) fn new(slots: usize, computed: Arc<AtomicUsize>) -> Self {
        // What a slot holds at first is of no sequence.
        let states = vec![(7, usize::MAX); slots];
        Self { states, computed }
    }

    fn digests(&mut self, batch: &Batch<'_>) -> Vec<u64> {
        let mut digests = Vec::new();
        for seq in batch.seqs {
            let slot = seq.state.expect("a sequence without a state");
            let state = &mut self.states[slot as usize];
            self.computed.fetch_add(seq.rows.len(), Ordering::Relaxed);
            if seq.first_position == 0 {
                *state = (NOTHING, 0);
            }
            assert_eq!(
                state.1, seq.first_position,
                "tokens that were never computed"
            );
            for row in seq.rows.clone() {
                *state = (after(state.0, batch.tokens[row]), state.1 + 1);
                if batch.outputs.contains(&row) {
                    digests.push(state.0);
                }
            }
        }
        digests
    }
}

impl Forward for RecurrentModel {
    fn vocab_size(&self) -> usize {
        VOCAB + 2
    }

    fn forward(&mut self, batch: &Batch<'_>) -> Result<Vec<f32>> {
        Ok(logits(self.digests(batch)))
    }

    fn copy_state(&mut self, copy: StateCopy) -> Result<()> {
        self.states[copy.to] = self.states[copy.from];
        Ok(())
    }

    fn hidden(&mut self, batch: &Batch<'_>) -> Result<Vec<f32>> {
        let digests = self.digests(batch);
        Ok(digests.iter().map(|d| (d >> 48) as f32).collect())
    }
}

/// Token 0 ends; 1… are letters; the last four are the bytes of "é" and of "ß", one each.
pub(crate) struct MockVocabulary;

impl Vocabulary for MockVocabulary {
    fn size(&self) -> usize {
        VOCAB
    }

    fn is_eog(&self, token: u32) -> bool {
        token == EOG
    }

    fn is_special(&self, token: u32) -> bool {
        token == EOG
    }

    fn token_bytes(&self, token: u32) -> Vec<u8> {
        match token as usize {
            0 => b"<end>".to_vec(),
            t if t >= VOCAB - 4 => vec!["éß".as_bytes()[t - (VOCAB - 4)]],
            t => vec![b'A' + t as u8 - 1],
        }
    }

    fn encode(&self, prompt: &[PromptSegment], _: &Reach<'_>) -> Result<Vec<u32>> {
        let mut all = Vec::new();
        for segment in prompt {
            match segment {
                PromptSegment::Tokens { tokens } => all.extend(tokens),
                PromptSegment::Text { text, .. } => {
                    all.extend(text.bytes().map(|b| u32::from(b - b'A' + 1)));
                }
            }
        }
        Ok(all)
    }

    fn decoder(&self, _keep_special: bool) -> Box<dyn TokenDecoder> {
        Box::new(MockDecoder(Vec::new()))
    }
}

struct MockDecoder(Vec<u8>);

impl TokenDecoder for MockDecoder {
    fn push(&mut self, token: u32) -> String {
        self.0.extend(MockVocabulary.token_bytes(token));
        match String::from_utf8(std::mem::take(&mut self.0)) {
            Ok(text) => text,
            Err(e) if e.utf8_error().error_len().is_none() => {
                let valid = e.utf8_error().valid_up_to();
                let mut bytes = e.into_bytes();
                self.0 = bytes.split_off(valid);
                String::from_utf8_lossy(&bytes).into_owned()
            }
            Err(e) => String::from_utf8_lossy(&e.into_bytes()).into_owned(),
        }
    }
}
