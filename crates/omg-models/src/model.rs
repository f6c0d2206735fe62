use omg_format::ModelFiles;
use omg_kernels::Pool;

use crate::backend::{CpuBackend, TensorBackend};
use crate::batch::Batch;
use crate::blocks::{LayerCache, Room};
use crate::decoder::Decoder;
use crate::device::{DeviceChoice, open};
use crate::error::{Error, Result};
use crate::spec::{ModelSpec, state_bytes_per_sequence};
use crate::weights::WeightSource;

/// A loaded model. One step runs at a time; a second caller waits.
pub struct Model {
    spec: ModelSpec,
    decoder: AnyDecoder,
}

enum AnyDecoder {
    Cpu(Box<Decoder<CpuBackend>>),
    Tensor(Box<Decoder<TensorBackend>>),
}

/// What all layers keep of the sequences: keys and values in blocks of `BLOCK_TOKENS` tokens, and the states of recurrent
/// mixers in slots.
pub struct KvCache {
    room: Room,
    layers: KvLayers,
}

enum KvLayers {
    Cpu(Vec<LayerCache<CpuBackend>>),
    Tensor(Vec<LayerCache<TensorBackend>>),
}

impl Model {
    /// Loads the weights. `progress` hears the part done, 0 to 1; when it answers `false`, loading ends with `Cancelled`.
    /// Beside the weights themselves it needs about one tensor's worth of memory at a time.
    /// Errors: a tensor that is missing, has another shape, a type that cannot be computed with, or no use.
    pub fn load(
        files: &ModelFiles,
        spec: ModelSpec,
        device: &DeviceChoice,
        progress: &mut dyn FnMut(f32) -> bool,
    ) -> Result<Self> {
        let mut source = WeightSource::new(files, &spec.names, spec.layers.len());
        let source_mut = &mut source;
        let decoder = match device {
            DeviceChoice::Cpu { threads } => {
                let backend = CpuBackend::new(Pool::new(*threads));
                AnyDecoder::Cpu(Box::new(Decoder::load(
                    backend, source_mut, &spec, progress,
                )?))
            }
            other => {
                let backend = TensorBackend::new(open(other)?);
                AnyDecoder::Tensor(Box::new(Decoder::load(
                    backend, source_mut, &spec, progress,
                )?))
            }
        };
        source.finish()?;
        Ok(Self { spec, decoder })
    }

    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// Bytes of the loaded matrices.
    pub fn weight_bytes(&self) -> usize {
        match &self.decoder {
            AnyDecoder::Cpu(decoder) => decoder.weight_bytes(),
            AnyDecoder::Tensor(decoder) => decoder.weight_bytes(),
        }
    }

    /// The threads of the CPU path, for work between its steps; `None` on other devices.
    pub fn pool(&self) -> Option<&Pool> {
        match &self.decoder {
            AnyDecoder::Cpu(decoder) => Some(decoder.backend().pool()),
            AnyDecoder::Tensor(_) => None,
        }
    }

    /// An empty cache of `blocks` blocks for one sequence of this model, whose state has slot 0, or for any number of them
    /// where the model keeps no states.
    pub fn new_kv(&self, blocks: usize) -> Result<KvCache> {
        self.new_cache(blocks, 1)
    }

    /// An empty cache with room for so many blocks, and so many states of recurrent mixers.
    pub fn new_cache(&self, blocks: usize, states: usize) -> Result<KvCache> {
        let room = Room { blocks, states };
        let layers = match &self.decoder {
            AnyDecoder::Cpu(decoder) => KvLayers::Cpu(decoder.new_caches(room)?),
            AnyDecoder::Tensor(decoder) => KvLayers::Tensor(decoder.new_caches(room)?),
        };
        Ok(KvCache { room, layers })
    }

    /// Runs a batch: writes its keys and values into `kv` and gives the logits of its output rows, `[outputs, vocab]`.
    /// On the CPU a sequence gets the same bits whatever else is in the batch. `Err(InvalidBatch)` leaves `kv` as it was.
    pub fn forward(&self, kv: &mut KvCache, batch: &Batch<'_>) -> Result<Vec<f32>> {
        self.check(kv, batch)?;
        match (&self.decoder, &mut kv.layers) {
            (AnyDecoder::Cpu(decoder), KvLayers::Cpu(layers)) => decoder.logits(layers, batch),
            (AnyDecoder::Tensor(decoder), KvLayers::Tensor(layers)) => {
                decoder.logits(layers, batch)
            }
            _ => Err(foreign_cache()),
        }
    }

    /// As `forward`, giving hidden states after the last norm, `[outputs, hidden]`.
    pub fn hidden(&self, kv: &mut KvCache, batch: &Batch<'_>) -> Result<Vec<f32>> {
        self.check(kv, batch)?;
        match (&self.decoder, &mut kv.layers) {
            (AnyDecoder::Cpu(decoder), KvLayers::Cpu(layers)) => decoder.hidden(layers, batch),
            (AnyDecoder::Tensor(decoder), KvLayers::Tensor(layers)) => {
                decoder.hidden(layers, batch)
            }
            _ => Err(foreign_cache()),
        }
    }

    /// The state of a sequence becomes that of another, in all layers: a checkpoint, or the way back to one.
    pub fn copy_state(&self, kv: &mut KvCache, from: usize, to: usize) -> Result<()> {
        if from.max(to) >= kv.room.states {
            return Err(Error::InvalidBatch {
                reason: format!("state {} of {}", from.max(to), kv.room.states),
            });
        }
        match (&self.decoder, &mut kv.layers) {
            (AnyDecoder::Cpu(decoder), KvLayers::Cpu(layers)) => layers
                .iter_mut()
                .try_for_each(|layer| layer.copy_state(decoder.backend(), from, to)),
            (AnyDecoder::Tensor(decoder), KvLayers::Tensor(layers)) => layers
                .iter_mut()
                .try_for_each(|layer| layer.copy_state(decoder.backend(), from, to)),
            _ => Err(foreign_cache()),
        }
    }

    /// Checks a batch against the model and a cache.
    fn check(&self, kv: &KvCache, batch: &Batch<'_>) -> Result<()> {
        let keeps_states = state_bytes_per_sequence(&self.spec) > 0;
        let states = keeps_states.then_some(kv.room.states);
        batch.check(self.spec.vocab, kv.room.blocks, states)
    }

    /// Copies one block of all layers, so that two sequences can go on from it separately.
    pub fn copy_block(&self, kv: &mut KvCache, from: usize, to: usize) -> Result<()> {
        if from.max(to) >= kv.room.blocks {
            return Err(Error::InvalidBatch {
                reason: format!("block {} of {}", from.max(to), kv.room.blocks),
            });
        }
        match (&self.decoder, &mut kv.layers) {
            (AnyDecoder::Cpu(decoder), KvLayers::Cpu(layers)) => layers
                .iter_mut()
                .try_for_each(|layer| layer.copy_block(decoder.backend(), from, to)),
            (AnyDecoder::Tensor(decoder), KvLayers::Tensor(layers)) => layers
                .iter_mut()
                .try_for_each(|layer| layer.copy_block(decoder.backend(), from, to)),
            _ => Err(foreign_cache()),
        }
    }
}

impl KvCache {
    pub fn blocks(&self) -> usize {
        self.room.blocks
    }
}

fn foreign_cache() -> Error {
    Error::InvalidBatch {
        reason: "the cache belongs to a model on another device".to_owned(),
    }
}
