use super::{
    FeedForwardBlock, LayerCache, MixerBlock, PerLayerHalf, Ropes, Scratch, Step, load_norm,
};
use crate::backend::{Backend, Norm};
use crate::error::Result;
use crate::spec::{Halves, LayerSpec, NormSpec};
use crate::weights::{Role, WeightSource};

/// A layer: the only place where the order of its halves and norms is written.
pub(crate) struct Layer<B: Backend> {
    pub(crate) mixers: Vec<PlacedMixer<B>>,
    feed_forward: Option<FeedForwardBlock<B>>,
    norms: Norms<B>,
    halves: Halves,
    per_layer: Option<PerLayerHalf<B>>,
    residual_scale: f32,
    output_scale: Option<f32>,
}

/// A mixer and the number of the cache it works with.
pub(crate) struct PlacedMixer<B: Backend> {
    pub(crate) block: MixerBlock<B>,
    pub(crate) cache: usize,
}

struct Norms<B: Backend> {
    before_mixer: Option<Norm<B>>,
    after_mixer: Option<Norm<B>>,
    before_feed_forward: Option<Norm<B>>,
    after_feed_forward: Option<Norm<B>>,
    after_residual: bool,
}

/// What comes after a layer.
pub(crate) struct Following<'a, B: Backend> {
    /// The norm through which the next layer reads, or the last norm of the model.
    pub(crate) norm: Option<&'a Norm<B>>,
    /// The rows that are wanted, when this is the last layer and not all are.
    pub(crate) rows: Option<&'a [usize]>,
}

impl<B: Backend> Layer<B> {
    pub(crate) fn load(
        backend: &B,
        source: &mut WeightSource<'_>,
        ropes: &mut Ropes<B>,
        hidden: usize,
        spec: &LayerSpec,
        index: usize,
    ) -> Result<Self> {
        let mut mixers = Vec::with_capacity(spec.mixers.len());
        for mixer in &spec.mixers {
            let block = MixerBlock::load(backend, source, ropes, hidden, mixer, index)?;
            mixers.push(PlacedMixer { block, cache: 0 });
        }
        let feed_forward = match &spec.feed_forward {
            Some(half) => Some(FeedForwardBlock::load(
                backend, source, half, hidden, index,
            )?),
            None => None,
        };
        let mut norm = |role, spec: Option<NormSpec>| match spec {
            Some(spec) => load_norm(backend, source, role, index, spec, hidden).map(Some),
            None => Ok(None),
        };
        let norms = Norms {
            before_mixer: norm(Role::MixerNorm, spec.norms.before_mixer)?,
            after_mixer: norm(Role::AfterMixerNorm, spec.norms.after_mixer)?,
            before_feed_forward: norm(Role::FeedForwardNorm, spec.norms.before_feed_forward)?,
            after_feed_forward: norm(Role::AfterFeedForwardNorm, spec.norms.after_feed_forward)?,
            after_residual: spec.norms.after_residual,
        };
        let per_layer = match &spec.per_layer {
            Some(half) => Some(PerLayerHalf::load(backend, source, half, hidden, index)?),
            None => None,
        };
        let output_scale = match spec.output_scale {
            true => source
                .weight_vector(Role::OutputScale, index, 1)?
                .first()
                .copied(),
            false => None,
        };
        Ok(Self {
            mixers,
            feed_forward,
            norms,
            halves: spec.halves,
            per_layer,
            residual_scale: spec.residual_scale,
            output_scale,
        })
    }

    pub(crate) fn weight_bytes(&self, backend: &B) -> usize {
        let mixers = self.mixers.iter().map(|m| m.block.weight_bytes(backend));
        let feed_forward = self.feed_forward.as_ref();
        let per_layer = self.per_layer.as_ref();
        mixers.sum::<usize>()
            + feed_forward.map_or(0, |half| half.weight_bytes(backend))
            + per_layer.map_or(0, |half| half.weight_bytes(backend))
    }

    /// The norm through which its first half reads.
    pub(crate) fn first_norm(&self) -> Option<&Norm<B>> {
        match self.mixers.is_empty() {
            false => self.norms.before_mixer.as_ref(),
            true => self.norms.before_feed_forward.as_ref(),
        }
    }

    /// From the residual stream in `scratch.x`, and what the first half reads in `scratch.normed`, to the same for what
    /// follows. Layers with norms on the stream itself have it in `normed` alone. Ends after the mixers when no row is
    /// wanted.
    pub(crate) fn forward(
        &self,
        backend: &B,
        step: &Step<'_, B>,
        caches: &mut [LayerCache<B>],
        scratch: &mut Scratch<B>,
        following: &Following<'_, B>,
    ) -> Result<()> {
        self.mix(backend, step, caches, scratch)?;
        if let Some(rows) = following.rows {
            if rows.is_empty() {
                return Ok(());
            }
            self.narrow(backend, rows, scratch)?;
        }
        let norms = &self.norms;
        let Some(feed_forward) = &self.feed_forward else {
            return self.finish(backend, norms.after_mixer.as_ref(), following, scratch);
        };
        match (self.mixers.is_empty(), self.halves) {
            (true, _) => {}
            (false, Halves::Sequential) => {
                let before = norms.before_feed_forward.as_ref();
                self.join(backend, norms.after_mixer.as_ref(), before, scratch)?;
            }
            (false, Halves::Parallel) => {
                backend.accumulate(&mut scratch.x, &scratch.branch, self.residual_scale)?;
            }
        }
        feed_forward.forward(backend, scratch)?;
        let after = norms.after_feed_forward.as_ref();
        self.finish(backend, after, following, scratch)
    }

    /// The sum of what the mixers make of `scratch.normed`, in `scratch.branch`.
    fn mix(
        &self,
        backend: &B,
        step: &Step<'_, B>,
        caches: &mut [LayerCache<B>],
        scratch: &mut Scratch<B>,
    ) -> Result<()> {
        for (index, mixer) in self.mixers.iter().enumerate() {
            if index > 0 {
                std::mem::swap(&mut scratch.branch, &mut scratch.beside);
            }
            let cache = &mut caches[mixer.cache];
            mixer.block.forward(backend, step, cache, scratch)?;
            if index > 0 {
                backend.accumulate(&mut scratch.branch, &scratch.beside, 1.0)?;
            }
        }
        Ok(())
    }

    /// Nothing after the last mixer looks at other rows, so only those that are wanted go on.
    fn narrow(&self, backend: &B, rows: &[usize], scratch: &mut Scratch<B>) -> Result<()> {
        let in_normed = self.norms.after_residual;
        if !in_normed {
            backend.select(&mut scratch.x, rows)?;
        }
        if !self.mixers.is_empty() {
            backend.select(&mut scratch.branch, rows)?;
        }
        let read_again = self.feed_forward.is_some()
            && (self.halves == Halves::Parallel || self.mixers.is_empty());
        if in_normed || read_again {
            backend.select(&mut scratch.normed, rows)?;
        }
        Ok(())
    }

    /// Adds a branch to the residual stream and prepares what the next half reads.
    fn join(
        &self,
        backend: &B,
        after: Option<&Norm<B>>,
        before: Option<&Norm<B>>,
        scratch: &mut Scratch<B>,
    ) -> Result<()> {
        let Scratch {
            x, normed, branch, ..
        } = scratch;
        if self.norms.after_residual {
            backend.add(branch, normed, 1.0, after, x)?;
            std::mem::swap(x, normed);
            return Ok(());
        }
        if let Some(after) = after {
            backend.norm(after, branch, normed)?;
            std::mem::swap(branch, normed);
        }
        backend.add(x, branch, self.residual_scale, before, normed)
    }

    /// `join` at the end of the layer, with what comes behind its halves.
    fn finish(
        &self,
        backend: &B,
        after: Option<&Norm<B>>,
        following: &Following<'_, B>,
        scratch: &mut Scratch<B>,
    ) -> Result<()> {
        if self.per_layer.is_none() && self.output_scale.is_none() {
            return self.join(backend, after, following.norm, scratch);
        }
        self.join(backend, after, None, scratch)?;
        if let Some(half) = &self.per_layer {
            half.forward(backend, scratch, following.rows)?;
        }
        if let Some(scale) = self.output_scale {
            backend.scale(&mut scratch.x, scale)?;
        }
        read(backend, following.norm, scratch)
    }
}

/// What the next half reads: the residual stream through its norm.
pub(crate) fn read<B: Backend>(
    backend: &B,
    norm: Option<&Norm<B>>,
    scratch: &mut Scratch<B>,
) -> Result<()> {
    match norm {
        Some(norm) => backend.norm(norm, &scratch.x, &mut scratch.normed),
        None => backend.copy(&scratch.x, &mut scratch.normed),
    }
}
