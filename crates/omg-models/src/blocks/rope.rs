use crate::backend::Backend;
use crate::error::Result;
use crate::spec::RopeSpec;
use crate::weights::WeightSource;

/// The different ropes of a model: most have one, some one for windowed and one for full layers. Their turns are
/// computed once per step, not once per layer.
pub(crate) struct Ropes<B: Backend> {
    served_context: usize,
    loaded: Vec<(RopeSpec, B::Rope)>,
}

impl<B: Backend> Ropes<B> {
    pub(crate) fn new(served_context: usize) -> Self {
        Self {
            served_context,
            loaded: Vec::new(),
        }
    }

    /// The number of this rope, loading it when it is new.
    pub(crate) fn load(
        &mut self,
        backend: &B,
        source: &mut WeightSource<'_>,
        spec: &RopeSpec,
    ) -> Result<usize> {
        if let Some(known) = self.loaded.iter().position(|(known, _)| known == spec) {
            return Ok(known);
        }
        let frequencies = spec.frequencies(self.served_context, |name| source.named(name))?;
        self.loaded
            .push((spec.clone(), backend.load_rope(spec, frequencies)?));
        Ok(self.loaded.len() - 1)
    }

    /// By the number of the rope.
    pub(crate) fn rotations(&self, backend: &B, positions: &[u32]) -> Result<Vec<B::Rotations>> {
        self.loaded
            .iter()
            .map(|(_, rope)| backend.rotations(rope, positions))
            .collect()
    }
}
