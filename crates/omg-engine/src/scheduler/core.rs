use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use omg_models::{Batch, Seq};

use super::answer::describe;
use super::sequence::{Job, Sequence};
use crate::cache::{Cache, SequenceMemory};
use crate::error::{EngineError, Result};
use crate::forward::{Forward, Vocabulary};
use crate::sampler::logprobs_of;
use crate::task::Cancel;
use crate::types::StopReason;

/// Prompt tokens of one step, at most.
pub(crate) const MAX_CHUNK: usize = 512;
/// Below this a step is bound by reading the weights, so smaller chunks would only cost time.
const MIN_CHUNK: usize = 64;
/// How long a step may take for the sake of streams that are already running, and of cancellation when there are none.
const SHARED_STEP: Duration = Duration::from_millis(300);
const ALONE_STEP: Duration = Duration::from_millis(1500);
/// Rows of logits kept at once when the log probabilities of a prompt are asked for.
const LOGPROB_CHUNK: usize = 32;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) blocks: usize,
    pub(crate) block_tokens: usize,
    pub(crate) context_length: usize,
    pub(crate) max_sequences: usize,
    /// Slots for the states of recurrent mixers: at least one for each sequence, the others for checkpoints. `None`: the model
    /// keeps no states.
    pub(crate) states: Option<usize>,
    /// Full blocks may stand for the beginning of another sequence.
    pub(crate) reuse: bool,
}

impl Limits {
    fn cache(&self) -> Cache {
        Cache::new(self.blocks, self.block_tokens, self.states, self.reuse)
    }
}

/// The scheduler without its thread: requests wait in order, run together, and are computed one step at a time.
///
/// `running` is in order of admission. When blocks run out the youngest gives its own back and waits at the head of the
/// queue to be computed again; the oldest is never made to, and the pool holds at least one full context, so there is
/// always progress.
pub(crate) struct Core {
    forward: Box<dyn Forward>,
    vocabulary: Arc<dyn Vocabulary>,
    limits: Limits,
    pub(super) cache: Cache,
    pub(super) waiting: VecDeque<Sequence>,
    pub(super) running: Vec<Sequence>,
    /// Prompt tokens per second, a running mean.
    prefill_rate: f64,
}

/// The rows that one sequence has in a step.
struct Share {
    /// Index in `running`.
    at: usize,
    rows: usize,
}

impl Core {
    pub(crate) fn new(
        forward: Box<dyn Forward>,
        vocabulary: Arc<dyn Vocabulary>,
        limits: Limits,
    ) -> Self {
        Self {
            cache: limits.cache(),
            forward,
            vocabulary,
            limits,
            waiting: VecDeque::new(),
            running: Vec::new(),
            prefill_rate: 256.0,
        }
    }

    pub(crate) fn submit(&mut self, job: Job) {
        self.waiting.push_back(Sequence::new(job));
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
    }

    /// Ends every request with `error` and forgets the cache, whose content is uncertain now.
    pub(crate) fn fail_all(&mut self, error: &EngineError) {
        for sequence in self.waiting.drain(..).chain(self.running.drain(..)) {
            sequence.fail(error.clone());
        }
        self.cache = self.limits.cache();
    }

    /// Ends every request as cancelled.
    pub(crate) fn cancel_all(&mut self) {
        for mut sequence in self.waiting.drain(..).chain(self.running.drain(..)) {
            self.cache.release(&mut sequence.memory);
            sequence.end(StopReason::Cancelled, None, false);
        }
    }

    /// Computes one batch: the next token of every running answer and, beside them, a chunk of the prompts.
    pub(crate) fn step(&mut self) {
        self.reap();
        self.admit();
        let shares = self.plan();
        if shares.is_empty() {
            return;
        }
        match self.compute(&shares) {
            Ok(logits) => self.advance(&shares, logits),
            Err(error) => {
                for share in shares.iter().rev() {
                    let mut sequence = self.running.remove(share.at);
                    self.cache.release(&mut sequence.memory);
                    sequence.fail(error.clone());
                }
            }
        }
    }

    fn reap(&mut self) {
        let cache = &mut self.cache;
        let mut keep = |sequence: &mut Sequence| {
            if !sequence.is_cancelled() {
                return true;
            }
            cache.release(&mut sequence.memory);
            sequence.end(StopReason::Cancelled, None, false);
            false
        };
        self.waiting.retain_mut(&mut keep);
        self.running.retain_mut(&mut keep);
    }

    /// Lets requests in, strictly in order, as long as there are blocks for all of their tokens beside what the running
    /// ones still need.
    fn admit(&mut self) {
        while self.running.len() < self.limits.max_sequences {
            let Some(next) = self.waiting.front() else {
                return;
            };
            let max_blocks = next.reusable_blocks(self.limits.block_tokens);
            let shared = self.cache.shared_blocks(&next.tokens, max_blocks);
            let need = self.cache.blocks_for(next.tokens.len() + 1) - shared;
            let promised: usize = self
                .running
                .iter()
                .map(|s| {
                    self.cache
                        .blocks_for(s.tokens.len() + 1)
                        .saturating_sub(s.memory.blocks().len())
                })
                .sum();
            if !self.running.is_empty() && need + promised > self.cache.available() {
                return;
            }
            let Some(mut sequence) = self.waiting.pop_front() else {
                return;
            };
            match self.enter(&mut sequence.memory, &sequence.tokens, max_blocks) {
                Ok(Some(cached_tokens)) => {
                    sequence.admit(cached_tokens);
                    self.running.push(sequence);
                }
                Ok(None) => {
                    self.waiting.push_front(sequence);
                    return;
                }
                Err(error) => {
                    self.cache.release(&mut sequence.memory);
                    sequence.fail(error);
                }
            }
        }
    }

    /// Gives a sequence a state and what is cached of its beginning: the tokens of that, or `None` when all states are taken.
    fn enter(
        &mut self,
        memory: &mut SequenceMemory,
        tokens: &[u32],
        max_blocks: usize,
    ) -> Result<Option<usize>> {
        let Some(admitted) = self.cache.admit(memory, tokens, max_blocks) else {
            return Ok(None);
        };
        if let Some(restore) = admitted.restore {
            self.forward.copy_state(restore)?;
        }
        Ok(Some(admitted.cached_tokens))
    }

    /// Shares the step out, oldest first, and gets the blocks for it.
    fn plan(&mut self) -> Vec<Share> {
        let mut prefill = self.prefill_budget();
        let mut shares = Vec::new();
        let mut at = 0;
        while at < self.running.len() {
            let sequence = &self.running[at];
            let remaining = sequence.remaining();
            let wanted = match (remaining, &sequence.prompt_logprobs) {
                (1, _) => 1,
                (_, Some(_)) => remaining.min(prefill).min(LOGPROB_CHUNK),
                _ => remaining.min(prefill),
            };
            let total = sequence.tokens.len();
            let wanted = wanted.min(self.cache.until_checkpoint(sequence.computed, total));
            let rows = self.grow_or_preempt(at, wanted);
            if rows > 0 {
                if remaining > 1 {
                    prefill -= rows;
                }
                shares.push(Share { at, rows });
            }
            at += 1;
        }
        shares
    }

    fn prefill_budget(&self) -> usize {
        let shared = self.running.iter().any(|s| s.remaining() == 1);
        let time = if shared { SHARED_STEP } else { ALONE_STEP };
        ((self.prefill_rate * time.as_secs_f64()) as usize).clamp(MIN_CHUNK, MAX_CHUNK)
    }

    /// Blocks for up to `rows` more tokens of `running[at]`, taken from younger requests if need be. Returns the rows there
    /// is room for; 0 when it must wait for older ones (or has given its own blocks back).
    fn grow_or_preempt(&mut self, at: usize, rows: usize) -> usize {
        if rows == 0 {
            return 0;
        }
        loop {
            let sequence = &mut self.running[at];
            let want = sequence.computed + rows;
            if self.cache.grow(&mut sequence.memory, want) {
                return rows;
            }
            let room =
                sequence.memory.blocks().len() * self.limits.block_tokens - sequence.computed;
            if room > 0 {
                return room.min(rows);
            }
            let Some(mut youngest) = self.running.pop() else {
                return 0;
            };
            self.cache.release(&mut youngest.memory);
            if self.running.is_empty() {
                // It had the pool to itself: waiting would change nothing.
                youngest.fail(EngineError::ContextLengthExceeded {
                    prompt_tokens: youngest.tokens.len(),
                    context_length: self.limits.blocks * self.limits.block_tokens,
                });
                return 0;
            }
            youngest.reset();
            self.waiting.push_front(youngest);
            if at == self.running.len() {
                return 0;
            }
        }
    }

    fn compute(&mut self, shares: &[Share]) -> Result<Vec<f32>> {
        let mut tokens = Vec::new();
        let mut positions = Vec::new();
        let mut outputs = Vec::new();
        let mut seqs = Vec::with_capacity(shares.len());
        for share in shares {
            let s = &self.running[share.at];
            let first = tokens.len();
            let end = s.computed + share.rows;
            tokens.extend_from_slice(&s.tokens[s.computed..end]);
            positions.extend(s.computed as u32..end as u32);
            if s.prompt_logprobs.is_some() {
                outputs.extend(first..tokens.len());
            } else if end == s.tokens.len() {
                outputs.push(tokens.len() - 1);
            }
            seqs.push(Seq {
                rows: first..tokens.len(),
                first_position: s.computed,
                block_table: s.memory.blocks(),
                state: s.memory.state(),
            });
        }
        let batch = Batch {
            tokens: &tokens,
            positions: &positions,
            seqs: &seqs,
            outputs: &outputs,
        };
        let begin = Instant::now();
        let logits = self.forward.forward(&batch)?;
        if logits.len() != outputs.len() * self.forward.vocab_size() {
            return Err(EngineError::Internal(
                "the model returned logits of the wrong size".to_owned(),
            ));
        }
        if tokens.len() >= MIN_CHUNK {
            let rate = tokens.len() as f64 / begin.elapsed().as_secs_f64().max(1e-6);
            self.prefill_rate += (rate - self.prefill_rate) * 0.5;
        }
        Ok(logits)
    }

    /// Takes the results of a step over: new blocks, new tokens, ends.
    fn advance(&mut self, shares: &[Share], mut logits: Vec<f32>) {
        let width = self.forward.vocab_size();
        // What stands behind the vocabulary has no token and can never be drawn.
        let usable = width.min(self.vocabulary.size());
        let mut rows = logits.chunks_exact_mut(width).map(|row| &mut row[..usable]);
        let mut finished = Vec::new();
        for share in shares {
            let s = &mut self.running[share.at];
            let first = s.computed;
            s.computed += share.rows;
            let (computed, total) = (&s.tokens[..s.computed], s.tokens.len());
            let kept = match self.cache.publish(&mut s.memory, computed, total) {
                Some(copy) => self.forward.copy_state(copy),
                None => Ok(()),
            };
            let mut last = None;
            if s.prompt_logprobs.is_some() {
                for position in first..s.computed {
                    last = rows.next();
                    if let Some(row) = &last {
                        record_prompt_logprob(&self.vocabulary, s, position, row);
                    }
                }
            } else if s.remaining() == 0 {
                last = rows.next();
            }
            if let Err(error) = kept {
                // The checkpoint is one in name only.
                self.cache.forget_last(&s.memory);
                s.fail(error);
                finished.push(share.at);
                continue;
            }
            if s.remaining() > 0 {
                continue;
            }
            s.start();
            let done = match last {
                Some(row) => next_token(&self.vocabulary, self.limits.context_length, s, row),
                None => Err(EngineError::Internal(
                    "a row of logits is missing".to_owned(),
                )),
            };
            match done {
                Ok(false) => {}
                Ok(true) => finished.push(share.at),
                Err(error) => {
                    s.fail(error);
                    finished.push(share.at);
                }
            }
        }
        for at in finished.into_iter().rev() {
            let mut sequence = self.running.remove(at);
            self.cache.release(&mut sequence.memory);
        }
    }

    /// Mean (or last) of the hidden states after the last norm. Runs between two steps, on blocks of its own, which
    /// younger requests give up if need be. `cancel` is looked at between chunks.
    pub(crate) fn embed(
        &mut self,
        tokens: &[u32],
        last_only: bool,
        cancel: &Cancel,
    ) -> Result<Vec<f32>> {
        cancel.check()?;
        let mut memory = SequenceMemory::default();
        loop {
            match self.enter(&mut memory, tokens, 0) {
                Ok(Some(_)) => break,
                Ok(None) if self.preempt_youngest() => {}
                Ok(None) => return Err(EngineError::Internal("no state is free".to_owned())),
                Err(error) => {
                    self.cache.release(&mut memory);
                    return Err(error);
                }
            }
        }
        while !self.cache.grow(&mut memory, tokens.len()) {
            if !self.preempt_youngest() {
                self.cache.release(&mut memory);
                return Err(EngineError::ContextLengthExceeded {
                    prompt_tokens: tokens.len(),
                    context_length: self.limits.context_length,
                });
            }
        }
        let pooled = self.pooled(tokens, &memory, last_only, cancel);
        self.cache.release(&mut memory);
        pooled
    }

    /// The youngest running request gives its memory back and waits at the head of the queue; false when none runs.
    fn preempt_youngest(&mut self) -> bool {
        let Some(mut youngest) = self.running.pop() else {
            return false;
        };
        self.cache.release(&mut youngest.memory);
        youngest.reset();
        self.waiting.push_front(youngest);
        true
    }

    fn pooled(
        &mut self,
        tokens: &[u32],
        memory: &SequenceMemory,
        last_only: bool,
        cancel: &Cancel,
    ) -> Result<Vec<f32>> {
        let mut sum: Vec<f64> = Vec::new();
        let mut counted = 0usize;
        for first in (0..tokens.len()).step_by(MAX_CHUNK) {
            cancel.check()?;
            let end = (first + MAX_CHUNK).min(tokens.len());
            let positions: Vec<u32> = (first as u32..end as u32).collect();
            let outputs: Vec<usize> = match (last_only, end == tokens.len()) {
                (true, false) => Vec::new(),
                (true, true) => vec![end - first - 1],
                (false, _) => (0..end - first).collect(),
            };
            let hidden = self.forward.hidden(&Batch {
                tokens: &tokens[first..end],
                positions: &positions,
                seqs: &[Seq {
                    rows: 0..end - first,
                    first_position: first,
                    block_table: memory.blocks(),
                    state: memory.state(),
                }],
                outputs: &outputs,
            })?;
            if outputs.is_empty() {
                continue;
            }
            for row in hidden.chunks_exact(hidden.len() / outputs.len()) {
                sum.resize(row.len(), 0.0);
                for (s, &x) in sum.iter_mut().zip(row) {
                    *s += f64::from(x);
                }
                counted += 1;
            }
        }
        if sum.iter().any(|x| !x.is_finite()) {
            return Err(EngineError::NotFinite);
        }
        Ok(sum
            .iter()
            .map(|x| (x / counted.max(1) as f64) as f32)
            .collect())
    }
}

/// `row` follows the token at `position`; it judges the one after it.
fn record_prompt_logprob(
    vocabulary: &Arc<dyn Vocabulary>,
    s: &mut Sequence,
    position: usize,
    row: &[f32],
) {
    let n = s.top_logprobs.unwrap_or(0);
    let Some(all) = &mut s.prompt_logprobs else {
        return;
    };
    if position == 0 {
        let nothing = crate::sampler::Logprobs {
            logprob: 0.0,
            top: Vec::new(),
        };
        all.push(describe(vocabulary, s.tokens[0], nothing));
    }
    if position + 1 < s.prompt_tokens {
        let token = s.tokens[position + 1];
        all.push(describe(vocabulary, token, logprobs_of(row, token, n)));
    }
}

/// Draws the next token and ends the request if it is the last; true when it has ended.
fn next_token(
    vocabulary: &Arc<dyn Vocabulary>,
    context_length: usize,
    s: &mut Sequence,
    logits: &mut [f32],
) -> Result<bool> {
    if s.max_tokens == 0 {
        s.end(StopReason::Length, None, false);
        return Ok(true);
    }
    let unmodified = s.top_logprobs.map(|n| (n, logits.to_vec()));
    if let Some(constraint) = &mut s.constraint {
        constraint.restrict(logits)?;
    }
    let token = s.sampler.sample(logits, &s.tokens)?;
    s.completion_tokens += 1;
    if vocabulary.is_eog(token) {
        s.end(StopReason::Stop, None, false);
        return Ok(true);
    }
    let complete = match &mut s.constraint {
        Some(constraint) => constraint.accept(token)?,
        None => false,
    };
    s.tokens.push(token);
    let logprob =
        unmodified.map(|(n, row)| describe(vocabulary, token, logprobs_of(&row, token, n)));
    let (event, stop) = s.answer.push(token, logprob);
    s.emit(event);
    if stop.is_some() || complete {
        s.end(StopReason::Stop, stop, false);
        return Ok(true);
    }
    let by_count = s.completion_tokens >= s.max_tokens;
    let window_full = s.tokens.len() >= context_length;
    if by_count || window_full {
        s.end(StopReason::Length, None, !by_count);
        return Ok(true);
    }
    Ok(false)
}
