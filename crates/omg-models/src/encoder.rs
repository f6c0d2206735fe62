use omg_format::ModelFiles;
use omg_kernels::Pool;

use crate::backend::{CpuBackend, TensorBackend};
use crate::batch::EncoderText;
use crate::device::{DeviceChoice, open};
use crate::error::{Error, Result};
use crate::spec::{EncoderSpec, UNUSED};
use crate::text_encoder::TextEncoder;
use crate::weights::WeightSource;

/// A loaded encoder. One step runs at a time; a second caller waits.
pub struct Encoder {
    spec: EncoderSpec,
    stack: AnyStack,
}

enum AnyStack {
    Cpu(Box<TextEncoder<CpuBackend>>),
    Tensor(Box<TextEncoder<TensorBackend>>),
}

impl Encoder {
    /// As `Model::load`.
    pub fn load(
        files: &ModelFiles,
        spec: EncoderSpec,
        device: &DeviceChoice,
        progress: &mut dyn FnMut(f32) -> bool,
    ) -> Result<Self> {
        let mut source = WeightSource::new(files, &spec.names, spec.layers.len()).ignoring(UNUSED);
        let stack = match device {
            DeviceChoice::Cpu { threads } => {
                let backend = CpuBackend::new(Pool::new(*threads));
                AnyStack::Cpu(Box::new(TextEncoder::load(
                    backend,
                    &mut source,
                    &spec,
                    progress,
                )?))
            }
            other => {
                let backend = TensorBackend::new(open(other)?);
                AnyStack::Tensor(Box::new(TextEncoder::load(
                    backend,
                    &mut source,
                    &spec,
                    progress,
                )?))
            }
        };
        source.finish()?;
        Ok(Self { spec, stack })
    }

    pub fn spec(&self) -> &EncoderSpec {
        &self.spec
    }

    /// Runs the texts in one step and gives what the model makes of each: its pooled vector, not normalised, or its labels.
    /// No text is padded to the length of another. On the CPU a text gets the same bits whatever else is in the step.
    /// `Err(InvalidBatch)` for empty texts, those over the context length and tokens outside the vocabulary.
    pub fn encode(&self, texts: &[EncoderText<'_>]) -> Result<Vec<Vec<f32>>> {
        self.check(texts)?;
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let all = match &self.stack {
            AnyStack::Cpu(stack) => stack.run(texts)?,
            AnyStack::Tensor(stack) => stack.run(texts)?,
        };
        let width = self.spec.output_width();
        Ok(all.chunks_exact(width).map(<[f32]>::to_vec).collect())
    }

    fn check(&self, texts: &[EncoderText<'_>]) -> Result<()> {
        let invalid = |reason: String| Err(Error::InvalidBatch { reason });
        let EncoderSpec {
            vocab,
            context_length,
            ..
        } = self.spec;
        for EncoderText { tokens, second } in texts {
            let count = tokens.len();
            if count == 0 || count > context_length || *second > count {
                return invalid(format!(
                    "a text of {count} tokens, the second part from {second} on, where {context_length} are read"
                ));
            }
            if let Some(token) = tokens.iter().find(|token| **token as usize >= vocab) {
                return invalid(format!(
                    "token {token} is outside the vocabulary of {vocab}"
                ));
            }
        }
        Ok(())
    }
}
