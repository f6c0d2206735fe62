use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use omg_kernels::{BLOCK_TOKENS, Seq};

use crate::backend::{Backend, Linear, Norm};
use crate::batch::{Batch, EncoderText};
use crate::blocks::{Attention, FeedForwardBlock, Ropes, Scratch, load_norm};
use crate::error::{Error, Result};
use crate::spec::{EncoderLayerSpec, EncoderOutput, EncoderSpec, NormSpec, Pooling};
use crate::weights::{Role, WeightSource};

/// An encoder over one backend: the only place where its order of operations is written.
pub(crate) struct EncoderStack<B: Backend> {
    backend: B,
    hidden: usize,
    tokens: B::Matrix,
    /// With the row of the first token.
    positions: Option<(B::Matrix, usize)>,
    /// With its number of rows.
    token_types: Option<(B::Matrix, usize)>,
    embedding_norm: Norm<B>,
    layers: Vec<Layer<B>>,
    ropes: Ropes<B>,
    head: Head<B>,
    state: Mutex<State<B>>,
}

struct Layer<B: Backend> {
    attention: Attention<B>,
    attention_norm: Norm<B>,
    feed_forward: FeedForwardBlock<B>,
    output_norm: Norm<B>,
}

enum Head<B: Backend> {
    Pooled(Pooling),
    Labels {
        dense: Option<Linear<B>>,
        /// `[labels, hidden]`
        output: Vec<f32>,
        bias: Vec<f32>,
    },
}

/// What a step works in. Keys and values are needed within a layer only, so all layers share one cache.
struct State<B: Backend> {
    scratch: Scratch<B>,
    kv: Option<(B::Kv, usize)>,
}

impl<B: Backend> EncoderStack<B> {
    /// `progress` hears the part done, between 0 and 1, and stops the loading with `false`.
    pub(crate) fn load(
        backend: B,
        source: &mut WeightSource<'_>,
        spec: &EncoderSpec,
        progress: &mut dyn FnMut(f32) -> bool,
    ) -> Result<Self> {
        let hidden = spec.hidden;
        let mut report = |done: usize| {
            let part = done as f32 / (spec.layers.len() + 1) as f32;
            progress(part).then_some(()).ok_or(Error::Cancelled)
        };
        report(0)?;
        let mut table = |role, rows| backend.load_matrix(&source.matrix(role, 0, rows, hidden)?);
        let tokens = table(Role::Embedding, spec.vocab)?;
        let positions = match spec.positions {
            Some(p) => Some((table(Role::Positions, p.rows)?, p.first)),
            None => None,
        };
        let token_types = match spec.token_types {
            0 => None,
            rows => Some((table(Role::TokenTypes, rows)?, rows)),
        };
        let embedding_norm = load_norm(
            &backend,
            source,
            Role::EmbeddingNorm,
            0,
            spec.embedding_norm,
            hidden,
        )?;
        let mut ropes = Ropes::new(spec.context_length);
        let mut layers = Vec::with_capacity(spec.layers.len());
        for (index, layer) in spec.layers.iter().enumerate() {
            report(index + 1)?;
            layers.push(Layer::load(
                &backend, source, &mut ropes, hidden, layer, index,
            )?);
        }
        let head = Head::load(&backend, source, spec)?;
        let state = Mutex::new(State {
            scratch: Scratch::new(&backend)?,
            kv: None,
        });
        if !progress(1.0) {
            return Err(Error::Cancelled);
        }
        Ok(Self {
            backend,
            hidden,
            tokens,
            positions,
            token_types,
            embedding_norm,
            layers,
            ropes,
            head,
            state,
        })
    }

    /// A vector or the labels of each text, one after another. The texts are checked.
    pub(crate) fn run(&self, texts: &[EncoderText<'_>]) -> Result<Vec<f32>> {
        let backend = &self.backend;
        let rows = Rows::of(texts);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { scratch, kv } = &mut *state;
        self.embed(&rows, scratch)?;
        let rotations = self.ropes.rotations(backend, &rows.positions)?;
        let seqs = rows.sequences();
        let step = Batch {
            tokens: &rows.tokens,
            positions: &rows.positions,
            seqs: &seqs,
            outputs: &[],
        };
        let kv = self.room(kv, rows.blocks.len())?;
        for layer in &self.layers {
            layer
                .attention
                .forward(backend, &step, &rotations, kv, scratch)?;
            join(backend, &layer.attention_norm, scratch)?;
            layer.feed_forward.forward(backend, scratch)?;
            join(backend, &layer.output_norm, scratch)?;
        }
        match &self.head {
            Head::Pooled(pooling) => self.pool(*pooling, &rows, scratch),
            Head::Labels {
                dense,
                output,
                bias,
            } => self.labels(dense.as_ref(), output, bias, &rows, scratch),
        }
    }

    /// The sum of what is known of each token, normed, in `scratch.normed`.
    fn embed(&self, rows: &Rows, scratch: &mut Scratch<B>) -> Result<()> {
        let backend = &self.backend;
        let Scratch {
            x, normed, branch, ..
        } = scratch;
        backend.embed(&self.tokens, &rows.tokens, 1.0, x)?;
        if let Some((table, first)) = &self.positions {
            let ids: Vec<u32> = rows.positions.iter().map(|p| p + *first as u32).collect();
            backend.embed(table, &ids, 1.0, branch)?;
            backend.add(x, branch, 1.0, None, normed)?;
        }
        if let Some((table, count)) = &self.token_types {
            let last = *count as u32 - 1;
            let ids: Vec<u32> = rows.types.iter().map(|kind| *kind.min(&last)).collect();
            backend.embed(table, &ids, 1.0, branch)?;
            backend.add(x, branch, 1.0, None, normed)?;
        }
        backend.norm(&self.embedding_norm, x, normed)
    }

    /// A cache of at least so many blocks.
    fn room<'a>(&self, kv: &'a mut Option<(B::Kv, usize)>, blocks: usize) -> Result<&'a mut B::Kv> {
        let enough = kv.as_ref().is_some_and(|(_, have)| *have >= blocks);
        if !enough {
            *kv = None;
            let layer = self.layers.first().ok_or_else(|| Error::InvalidBatch {
                reason: "the encoder has no layers".to_owned(),
            })?;
            *kv = Some((
                self.backend.new_kv(layer.attention.shape(), blocks)?,
                blocks,
            ));
        }
        match kv {
            Some((kv, _)) => Ok(kv),
            None => unreachable!("made above"),
        }
    }

    fn pool(&self, pooling: Pooling, rows: &Rows, scratch: &mut Scratch<B>) -> Result<Vec<f32>> {
        let chosen = match pooling {
            Pooling::First => Some(rows.firsts()),
            Pooling::Last => Some(rows.lasts()),
            Pooling::Mean | Pooling::Max => None,
        };
        if let Some(chosen) = chosen {
            self.backend.select(&mut scratch.normed, &chosen)?;
            return self.backend.to_host(&scratch.normed);
        }
        let states = self.backend.to_host(&scratch.normed)?;
        let texts = rows.seqs.iter().map(|(range, _)| {
            let part = &states[range.start * self.hidden..range.end * self.hidden];
            match pooling {
                Pooling::Max => maximum(part, self.hidden),
                _ => mean(part, self.hidden),
            }
        });
        Ok(texts.flatten().collect())
    }

    fn labels(
        &self,
        dense: Option<&Linear<B>>,
        output: &[f32],
        bias: &[f32],
        rows: &Rows,
        scratch: &mut Scratch<B>,
    ) -> Result<Vec<f32>> {
        let backend = &self.backend;
        backend.select(&mut scratch.normed, &rows.firsts())?;
        let mut states = match dense {
            None => backend.to_host(&scratch.normed)?,
            Some(dense) => {
                backend.project([dense], &scratch.normed, [&mut scratch.branch])?;
                backend.to_host(&scratch.branch)?
            }
        };
        if dense.is_some() {
            states.iter_mut().for_each(|value| *value = value.tanh());
        }
        let label = |state: &[f32], label: usize| {
            let weights = &output[label * self.hidden..][..self.hidden];
            let dot: f32 = weights.iter().zip(state).map(|(w, x)| w * x).sum();
            dot + bias.get(label).copied().unwrap_or(0.0)
        };
        let labels = output.len() / self.hidden;
        Ok(states
            .chunks_exact(self.hidden)
            .flat_map(|state| (0..labels).map(move |index| label(state, index)))
            .collect())
    }
}

/// `normed` = norm(`normed` + `branch`): the residual stream is what the last norm gave.
fn join<B: Backend>(backend: &B, norm: &Norm<B>, scratch: &mut Scratch<B>) -> Result<()> {
    let Scratch {
        x, normed, branch, ..
    } = scratch;
    backend.add(branch, normed, 1.0, Some(norm), x)?;
    std::mem::swap(x, normed);
    Ok(())
}

fn mean(states: &[f32], hidden: usize) -> Vec<f32> {
    let mut sums = vec![0.0f64; hidden];
    for row in states.chunks_exact(hidden) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += f64::from(*value);
        }
    }
    let rows = (states.len() / hidden) as f64;
    sums.into_iter().map(|sum| (sum / rows) as f32).collect()
}

fn maximum(states: &[f32], hidden: usize) -> Vec<f32> {
    let mut best = vec![f32::NEG_INFINITY; hidden];
    for row in states.chunks_exact(hidden) {
        for (best, value) in best.iter_mut().zip(row) {
            *best = best.max(*value);
        }
    }
    best
}

/// The rows of a step: the tokens of all texts, one text after another.
struct Rows {
    tokens: Vec<u32>,
    positions: Vec<u32>,
    types: Vec<u32>,
    /// Rows and blocks of each text.
    seqs: Vec<(Range<usize>, Range<usize>)>,
    blocks: Vec<u32>,
}

impl Rows {
    fn of(texts: &[EncoderText<'_>]) -> Self {
        let mut rows = Self {
            tokens: Vec::new(),
            positions: Vec::new(),
            types: Vec::new(),
            seqs: Vec::with_capacity(texts.len()),
            blocks: Vec::new(),
        };
        let mut block = 0;
        for EncoderText { tokens, second } in texts {
            let (start, count) = (rows.tokens.len(), tokens.len());
            rows.tokens.extend(*tokens);
            rows.positions.extend(0..count as u32);
            rows.types
                .extend((0..count).map(|at| u32::from(at >= *second)));
            let blocks = count.div_ceil(BLOCK_TOKENS);
            rows.seqs
                .push((start..start + count, block..block + blocks));
            block += blocks;
        }
        rows.blocks = (0..block as u32).collect();
        rows
    }

    fn sequences(&self) -> Vec<Seq<'_>> {
        let sequence = |(rows, blocks): &(Range<usize>, Range<usize>)| Seq {
            rows: rows.clone(),
            first_position: 0,
            block_table: &self.blocks[blocks.clone()],
        };
        self.seqs.iter().map(sequence).collect()
    }

    fn firsts(&self) -> Vec<usize> {
        self.seqs.iter().map(|(rows, _)| rows.start).collect()
    }

    fn lasts(&self) -> Vec<usize> {
        self.seqs.iter().map(|(rows, _)| rows.end - 1).collect()
    }
}

impl<B: Backend> Layer<B> {
    fn load(
        backend: &B,
        source: &mut WeightSource<'_>,
        ropes: &mut Ropes<B>,
        hidden: usize,
        spec: &EncoderLayerSpec,
        index: usize,
    ) -> Result<Self> {
        let attention = Attention::load(backend, source, ropes, hidden, &spec.attention, index)?;
        let feed_forward =
            FeedForwardBlock::load(backend, source, &spec.feed_forward, hidden, index)?;
        let mut norm = |role, spec: NormSpec| load_norm(backend, source, role, index, spec, hidden);
        Ok(Self {
            attention,
            attention_norm: norm(Role::AfterMixerNorm, spec.attention_norm)?,
            feed_forward,
            output_norm: norm(Role::AfterFeedForwardNorm, spec.output_norm)?,
        })
    }
}

impl<B: Backend> Head<B> {
    fn load(backend: &B, source: &mut WeightSource<'_>, spec: &EncoderSpec) -> Result<Self> {
        let hidden = spec.hidden;
        let (dense, labels) = match spec.output {
            EncoderOutput::Vector(pooling) => return Ok(Self::Pooled(pooling.pooling)),
            EncoderOutput::Labels { dense, labels } => (dense, labels),
        };
        let dense = match dense {
            None => None,
            Some(role) => {
                let bias = source.bias(role, 0, hidden)?;
                let matrix = source.matrix(role, 0, hidden, hidden)?;
                Some(Linear::load(backend, &matrix, Some(bias))?)
            }
        };
        Ok(Self::Labels {
            dense,
            output: source.floats(Role::ClassifierOutput, 0, labels, hidden)?,
            bias: source.bias(Role::ClassifierOutput, 0, labels)?,
        })
    }
}
