use crate::backend::{Backend, Norm};
use crate::batch::Batch;
use crate::blocks::{Following, Layer, LayerCache, Room, Ropes, Scratch, Step, read};
use crate::error::{Error, Result};
use crate::spec::LayerSpec;
use crate::weights::WeightSource;

/// The layers of a model over one backend, whatever comes before and after them.
pub(crate) struct Stack<B: Backend> {
    layers: Vec<Layer<B>>,
    ropes: Ropes<B>,
    /// Of the caches, the layer and the mixer in it that they are made for.
    caches: Vec<(usize, usize)>,
}

/// How long what mixers keep of the sequences is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Between steps: each mixer has a cache of its own.
    BetweenSteps,
    /// Within a layer: all layers share the cache of the first one.
    WithinLayer,
}

impl<B: Backend> Stack<B> {
    /// `loading` is told the number of each layer before it is loaded, and its error ends the loading.
    pub(crate) fn load(
        backend: &B,
        source: &mut WeightSource<'_>,
        hidden: usize,
        served_context: usize,
        specs: &[LayerSpec],
        keep: Keep,
        loading: &mut dyn FnMut(usize) -> Result<()>,
    ) -> Result<Self> {
        let mut ropes = Ropes::new(served_context);
        let mut layers = Vec::with_capacity(specs.len());
        let mut caches: Vec<(usize, usize)> = Vec::new();
        for (index, spec) in specs.iter().enumerate() {
            loading(index)?;
            let mut layer = Layer::load(backend, source, &mut ropes, hidden, spec, index)?;
            for (place, mixer) in layer.mixers.iter_mut().enumerate() {
                let shared = spec.mixers[place].cache_of_layer();
                let earlier = shared.and_then(|owner| caches.iter().position(|c| c.0 == owner));
                mixer.cache = match (earlier, keep) {
                    (Some(cache), _) => cache,
                    (None, Keep::WithinLayer) if !caches.is_empty() => 0,
                    (None, _) => {
                        caches.push((index, place));
                        caches.len() - 1
                    }
                };
            }
            layers.push(layer);
        }
        Ok(Self {
            layers,
            ropes,
            caches,
        })
    }

    pub(crate) fn weight_bytes(&self, backend: &B) -> usize {
        let layers = self.layers.iter().map(|layer| layer.weight_bytes(backend));
        layers.sum()
    }

    /// Empty caches.
    pub(crate) fn new_caches(&self, backend: &B, room: Room) -> Result<Vec<LayerCache<B>>> {
        let caches = self.caches.iter().map(|&(layer, place)| {
            let mixer = &self.layers[layer].mixers[place];
            mixer.block.new_cache(backend, room)
        });
        caches.collect()
    }

    /// Runs the layers over the rows in `scratch.x`. Leaves in `scratch.normed` what the last layer gives, through
    /// `last_norm` if there is one: of all rows, or of those in `wanted`; undefined when none is.
    pub(crate) fn run(
        &self,
        backend: &B,
        batch: &Batch<'_>,
        caches: &mut [LayerCache<B>],
        scratch: &mut Scratch<B>,
        last_norm: Option<&Norm<B>>,
        wanted: Option<&[usize]>,
    ) -> Result<()> {
        if caches.len() != self.caches.len() {
            return Err(Error::InvalidBatch {
                reason: "the cache belongs to another model".to_owned(),
            });
        }
        let step = Step {
            batch,
            rotations: self.ropes.rotations(backend, batch.positions)?,
        };
        read(
            backend,
            self.layers.first().and_then(Layer::first_norm),
            scratch,
        )?;
        for (index, layer) in self.layers.iter().enumerate() {
            let following = match self.layers.get(index + 1) {
                Some(next) => Following {
                    norm: next.first_norm(),
                    rows: None,
                },
                None => Following {
                    norm: last_norm,
                    rows: wanted,
                },
            };
            layer.forward(backend, &step, caches, scratch, &following)?;
        }
        Ok(())
    }
}
