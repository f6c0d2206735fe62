use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use omg_kernels::{BLOCK_TOKENS, Seq};

use crate::backend::{Backend, Norm};
use crate::batch::{Batch, EncoderText};
use crate::blocks::{LayerCache, PoolingHead, Room, Scratch, load_norm};
use crate::error::{Error, Result};
use crate::spec::EncoderSpec;
use crate::stack::{Keep, Stack};
use crate::weights::{Role, WeightSource};

/// A text encoder over one backend: a sum of tables, layers, and pooling or labels.
pub(crate) struct TextEncoder<B: Backend> {
    backend: B,
    tokens: B::Matrix,
    /// With the row of the first token.
    positions: Option<(B::Matrix, usize)>,
    /// With its number of rows.
    token_types: Option<(B::Matrix, usize)>,
    embedding_norm: Norm<B>,
    stack: Stack<B>,
    head: PoolingHead<B>,
    state: Mutex<State<B>>,
}

/// What a step works in. Keys and values are needed within a layer only.
struct State<B: Backend> {
    scratch: Scratch<B>,
    caches: Vec<LayerCache<B>>,
    /// That the caches have room for.
    blocks: usize,
}

impl<B: Backend> TextEncoder<B> {
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
        let stack = Stack::load(
            &backend,
            source,
            hidden,
            spec.context_length,
            &spec.layers,
            Keep::WithinLayer,
            &mut |layer| report(layer + 1),
        )?;
        let head = PoolingHead::load(&backend, source, spec)?;
        let state = Mutex::new(State {
            scratch: Scratch::new(&backend)?,
            caches: Vec::new(),
            blocks: 0,
        });
        report(spec.layers.len() + 1)?;
        Ok(Self {
            backend,
            tokens,
            positions,
            token_types,
            embedding_norm,
            stack,
            head,
            state,
        })
    }

    /// A vector or the labels of each text, one after another. The texts are checked.
    pub(crate) fn run(&self, texts: &[EncoderText<'_>]) -> Result<Vec<f32>> {
        let backend = &self.backend;
        let rows = Rows::of(texts);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State {
            scratch,
            caches,
            blocks,
        } = &mut *state;
        if caches.is_empty() || *blocks < rows.blocks.len() {
            caches.clear();
            let room = Room {
                blocks: rows.blocks.len(),
                states: 0,
            };
            *caches = self.stack.new_caches(backend, room)?;
            *blocks = rows.blocks.len();
        }
        self.embed(&rows, scratch)?;
        let seqs = rows.sequences();
        let batch = Batch {
            tokens: &rows.tokens,
            positions: &rows.positions,
            seqs: &seqs,
            outputs: &[],
        };
        self.stack
            .run(backend, &batch, caches, scratch, None, None)?;
        let texts: Vec<Range<usize>> = rows.seqs.iter().map(|(rows, _)| rows.clone()).collect();
        self.head.finish(backend, &texts, scratch)
    }

    /// The sum of what is known of each token, normed, in `scratch.x`.
    fn embed(&self, rows: &Rows, scratch: &mut Scratch<B>) -> Result<()> {
        let backend = &self.backend;
        let Scratch {
            x, normed, branch, ..
        } = scratch;
        backend.embed(&self.tokens, &rows.tokens, 1.0, x)?;
        if let Some((table, first)) = &self.positions {
            let ids: Vec<u32> = rows.positions.iter().map(|p| p + *first as u32).collect();
            backend.embed(table, &ids, 1.0, branch)?;
            backend.accumulate(x, branch, 1.0)?;
        }
        if let Some((table, count)) = &self.token_types {
            let last = *count as u32 - 1;
            let ids: Vec<u32> = rows.types.iter().map(|kind| *kind.min(&last)).collect();
            backend.embed(table, &ids, 1.0, branch)?;
            backend.accumulate(x, branch, 1.0)?;
        }
        backend.norm(&self.embedding_norm, x, normed)?;
        std::mem::swap(x, normed);
        Ok(())
    }
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
            state: None,
        };
        self.seqs.iter().map(sequence).collect()
    }
}
