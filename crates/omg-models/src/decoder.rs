use std::sync::{Mutex, PoisonError};

use crate::backend::{Backend, Norm};
use crate::batch::Batch;
use crate::blocks::{Head, LayerCache, PerLayerInputs, Room, Scratch, load_norm};
use crate::error::{Error, Result};
use crate::spec::ModelSpec;
use crate::stack::{Keep, Stack};
use crate::weights::{Role, WeightSource};

/// A decoder-only model over one backend: embedding, layers, head.
pub(crate) struct Decoder<B: Backend> {
    backend: B,
    per_layer: Option<PerLayerInputs<B>>,
    stack: Stack<B>,
    final_norm: Norm<B>,
    head: Head<B>,
    /// Locked by the one step that runs; a model serves one step at a time.
    scratch: Mutex<Scratch<B>>,
}

impl<B: Backend> Decoder<B> {
    /// `progress` hears the part done, between 0 and 1, and stops the loading with `false`.
    pub(crate) fn load(
        backend: B,
        source: &mut WeightSource<'_>,
        spec: &ModelSpec,
        progress: &mut dyn FnMut(f32) -> bool,
    ) -> Result<Self> {
        let mut report = |done: usize| {
            let part = done as f32 / (spec.layers.len() + 1) as f32;
            progress(part).then_some(()).ok_or(Error::Cancelled)
        };
        report(0)?;
        let head = Head::load(&backend, source, spec)?;
        let per_layer = match &spec.per_layer {
            Some(table) => {
                let layers = spec.layers.len();
                Some(PerLayerInputs::load(
                    &backend,
                    source,
                    table,
                    spec.hidden,
                    layers,
                )?)
            }
            None => None,
        };
        let final_norm = load_norm(
            &backend,
            source,
            Role::FinalNorm,
            0,
            spec.final_norm,
            spec.hidden,
        )?;
        let stack = Stack::load(
            &backend,
            source,
            spec.hidden,
            spec.served_context,
            &spec.layers,
            Keep::BetweenSteps,
            &mut |layer| report(layer + 1),
        )?;
        let scratch = Mutex::new(Scratch::new(&backend)?);
        report(spec.layers.len() + 1)?;
        Ok(Self {
            backend,
            per_layer,
            stack,
            final_norm,
            head,
            scratch,
        })
    }

    pub(crate) fn backend(&self) -> &B {
        &self.backend
    }

    pub(crate) fn weight_bytes(&self) -> usize {
        let backend = &self.backend;
        let per_layer = self.per_layer.as_ref();
        let per_layer = per_layer.map_or(0, |inputs| inputs.weight_bytes(backend));
        self.head.weight_bytes(backend) + per_layer + self.stack.weight_bytes(backend)
    }

    pub(crate) fn new_caches(&self, room: Room) -> Result<Vec<LayerCache<B>>> {
        self.stack.new_caches(&self.backend, room)
    }

    /// Logits `[outputs, vocab]`.
    pub(crate) fn logits(
        &self,
        caches: &mut [LayerCache<B>],
        batch: &Batch<'_>,
    ) -> Result<Vec<f32>> {
        self.outputs(caches, batch, |normed| {
            self.head.logits(&self.backend, normed)
        })
    }

    /// Hidden states after the last norm, `[outputs, hidden]`.
    pub(crate) fn hidden(
        &self,
        caches: &mut [LayerCache<B>],
        batch: &Batch<'_>,
    ) -> Result<Vec<f32>> {
        self.outputs(caches, batch, |normed| self.backend.to_host(normed))
    }

    /// Runs the batch, and `finish` on the normed hidden states of its output rows, where there are any.
    fn outputs(
        &self,
        caches: &mut [LayerCache<B>],
        batch: &Batch<'_>,
        finish: impl FnOnce(&B::Rows) -> Result<Vec<f32>>,
    ) -> Result<Vec<f32>> {
        let mut scratch = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        self.head.embed(&self.backend, batch, &mut scratch)?;
        if let Some(inputs) = &self.per_layer {
            inputs.make(&self.backend, batch, &mut scratch)?;
        }
        self.stack.run(
            &self.backend,
            batch,
            caches,
            &mut scratch,
            Some(&self.final_norm),
            Some(batch.outputs),
        )?;
        match batch.outputs {
            [] => Ok(Vec::new()),
            _ => finish(&scratch.normed),
        }
    }
}
