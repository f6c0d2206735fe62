use std::sync::{Mutex, PoisonError};

use crate::backend::{Backend, Norm};
use crate::batch::Batch;
use crate::blocks::{Attention, FeedForwardBlock, Head, Ropes, Scratch, load_norm};
use crate::error::{Error, Result};
use crate::spec::{LayerSpec, Mixer, ModelSpec};
use crate::weights::{Role, WeightSource};

/// A decoder-only model over one backend: the only place where the order of operations is written.
pub(crate) struct Decoder<B: Backend> {
    backend: B,
    layers: Vec<Layer<B>>,
    ropes: Ropes<B>,
    final_norm: Norm<B>,
    head: Head<B>,
    /// Locked by the one step that runs; a model serves one step at a time.
    scratch: Mutex<Scratch<B>>,
}

struct Layer<B: Backend> {
    mixer: MixerBlock<B>,
    feed_forward: FeedForwardBlock<B>,
    before_mixer: Option<Norm<B>>,
    after_mixer: Option<Norm<B>>,
    before_feed_forward: Option<Norm<B>>,
    after_feed_forward: Option<Norm<B>>,
    residual_scale: f32,
}

enum MixerBlock<B: Backend> {
    Attention(Attention<B>),
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
            if progress(part) {
                Ok(())
            } else {
                Err(Error::Cancelled)
            }
        };
        report(0)?;
        let head = Head::load(&backend, source, spec)?;
        let final_norm = load_norm(
            &backend,
            source,
            Role::FinalNorm,
            0,
            spec.final_norm,
            spec.hidden,
        )?;
        let mut ropes = Ropes::new(spec.served_context);
        let mut layers = Vec::with_capacity(spec.layers.len());
        for (index, layer) in spec.layers.iter().enumerate() {
            report(index + 1)?;
            layers.push(Layer::load(
                &backend,
                source,
                &mut ropes,
                spec.hidden,
                layer,
                index,
            )?);
        }
        let scratch = Mutex::new(Scratch::new(&backend)?);
        if !progress(1.0) {
            return Err(Error::Cancelled);
        }
        Ok(Self {
            backend,
            layers,
            ropes,
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
        let layer = |layer: &Layer<B>| {
            let MixerBlock::Attention(attention) = &layer.mixer;
            attention.weight_bytes(backend) + layer.feed_forward.weight_bytes(backend)
        };
        self.head.weight_bytes(backend) + self.layers.iter().map(layer).sum::<usize>()
    }

    pub(crate) fn new_kv(&self, blocks: usize) -> Result<Vec<B::Kv>> {
        let layer = |layer: &Layer<B>| {
            let MixerBlock::Attention(attention) = &layer.mixer;
            self.backend.new_kv(attention.shape(), blocks)
        };
        self.layers.iter().map(layer).collect()
    }

    /// Logits `[outputs, vocab]`.
    pub(crate) fn logits(&self, kv: &mut [B::Kv], step: &Batch<'_>) -> Result<Vec<f32>> {
        self.outputs(kv, step, |normed| self.head.logits(&self.backend, normed))
    }

    /// Hidden states after the last norm, `[outputs, hidden]`.
    pub(crate) fn hidden(&self, kv: &mut [B::Kv], step: &Batch<'_>) -> Result<Vec<f32>> {
        self.outputs(kv, step, |normed| self.backend.to_host(normed))
    }

    /// Runs the step, and `finish` on the normed hidden states of its output rows, where there are any.
    fn outputs(
        &self,
        kv: &mut [B::Kv],
        step: &Batch<'_>,
        finish: impl FnOnce(&B::Rows) -> Result<Vec<f32>>,
    ) -> Result<Vec<f32>> {
        let mut scratch = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        self.run(kv, step, &mut scratch)?;
        match step.outputs {
            [] => Ok(Vec::new()),
            _ => finish(&scratch.normed),
        }
    }

    /// Leaves the normed hidden states of the output rows in `scratch.normed`.
    fn run(&self, kv: &mut [B::Kv], step: &Batch<'_>, scratch: &mut Scratch<B>) -> Result<()> {
        let backend = &self.backend;
        self.head.embed(backend, step.tokens, &mut scratch.x)?;
        let rotations = self.ropes.rotations(backend, step.positions)?;
        let first = self
            .layers
            .first()
            .and_then(|layer| layer.before_mixer.as_ref());
        start(backend, first, scratch)?;
        for (index, (layer, kv)) in self.layers.iter().zip(kv).enumerate() {
            match &layer.mixer {
                MixerBlock::Attention(attention) => {
                    attention.forward(backend, step, &rotations, kv, scratch)?;
                }
            }
            let next = self.layers.get(index + 1);
            if next.is_none() {
                // Nothing after the last mixer looks at other rows, so only those that are wanted go on.
                if step.outputs.is_empty() {
                    return Ok(());
                }
                backend.select(&mut scratch.x, step.outputs)?;
                backend.select(&mut scratch.branch, step.outputs)?;
            }
            let scale = layer.residual_scale;
            join(
                backend,
                layer.after_mixer.as_ref(),
                scale,
                layer.before_feed_forward.as_ref(),
                scratch,
            )?;
            layer.feed_forward.forward(backend, scratch)?;
            let following = next.map_or(Some(&self.final_norm), |next| next.before_mixer.as_ref());
            join(
                backend,
                layer.after_feed_forward.as_ref(),
                scale,
                following,
                scratch,
            )?;
        }
        Ok(())
    }
}

/// What the first block reads.
fn start<B: Backend>(backend: &B, norm: Option<&Norm<B>>, scratch: &mut Scratch<B>) -> Result<()> {
    match norm {
        Some(norm) => backend.norm(norm, &scratch.x, &mut scratch.normed),
        None => backend.copy(&scratch.x, &mut scratch.normed),
    }
}

/// Adds a branch to the residual stream and prepares what the next block reads.
fn join<B: Backend>(
    backend: &B,
    after: Option<&Norm<B>>,
    scale: f32,
    before: Option<&Norm<B>>,
    scratch: &mut Scratch<B>,
) -> Result<()> {
    if let Some(after) = after {
        backend.norm(after, &scratch.branch, &mut scratch.normed)?;
        std::mem::swap(&mut scratch.branch, &mut scratch.normed);
    }
    backend.add(
        &mut scratch.x,
        &scratch.branch,
        scale,
        before,
        &mut scratch.normed,
    )
}

impl<B: Backend> Layer<B> {
    fn load(
        backend: &B,
        source: &mut WeightSource<'_>,
        ropes: &mut Ropes<B>,
        hidden: usize,
        spec: &LayerSpec,
        index: usize,
    ) -> Result<Self> {
        let mixer = match &spec.mixer {
            Mixer::Attention(attention) => MixerBlock::Attention(Attention::load(
                backend, source, ropes, hidden, attention, index,
            )?),
        };
        let feed_forward =
            FeedForwardBlock::load(backend, source, &spec.feed_forward, hidden, index)?;
        let mut norm = |role, spec: Option<_>| match spec {
            Some(spec) => load_norm(backend, source, role, index, spec, hidden).map(Some),
            None => Ok(None),
        };
        Ok(Self {
            mixer,
            feed_forward,
            before_mixer: norm(Role::MixerNorm, spec.norms.before_mixer)?,
            after_mixer: norm(Role::AfterMixerNorm, spec.norms.after_mixer)?,
            before_feed_forward: norm(Role::FeedForwardNorm, spec.norms.before_feed_forward)?,
            after_feed_forward: norm(Role::AfterFeedForwardNorm, spec.norms.after_feed_forward)?,
            residual_scale: spec.residual_scale,
        })
    }
}
