//! What a model's files hold: the one answer that loading, planning and inspecting begin with.

use omg_format::ModelFiles;

use crate::config::pooling_of;
use crate::error::Result;
use crate::families::{encoder_of, spec_of};
use crate::spec::{
    EncoderOutput, EncoderSpec, ModelSpec, PoolingSpec, kv_bytes_per_token, scratch_bytes,
    state_bytes_per_sequence, weight_bytes_estimate,
};

/// A model of a supported family, by what it does.
#[derive(Debug, Clone)]
pub enum Architecture {
    Decoder(Box<DecoderModel>),
    Encoder(Box<EncoderSpec>),
}

/// A decoder, and how its files say it makes embeddings, if it was trained for that.
#[derive(Debug, Clone)]
pub struct DecoderModel {
    pub spec: ModelSpec,
    pub pooling: Option<PoolingSpec>,
}

/// What every architecture can say about itself.
pub trait Description {
    fn outline(&self) -> Outline;
    /// The memory that serving it takes.
    fn needs(&self, files: &ModelFiles, served: Served) -> Needs;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outline {
    /// The family's name, such as `llama`.
    pub architecture: &'static str,
    pub hidden: usize,
    /// Rows of the embedding table.
    pub vocab: usize,
    /// The longest context the model was made for, in tokens.
    pub context_length: usize,
    pub layers: usize,
    pub output: Output,
}

/// What comes out of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    Text,
    Embedding,
    /// So many numbers for a pair of texts.
    Labels(usize),
}

/// How a model will be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// Tokens of the longest sequence.
    pub context: usize,
    /// Tokens that one step computes, at most.
    pub step_tokens: usize,
}

/// Bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    pub weights: u64,
    /// Of the cache, for each token of each sequence. 0 for models that keep nothing per token.
    pub per_token: u64,
    /// Of the state that a sequence has whatever its length.
    pub per_sequence: u64,
    /// What the work takes beside these. Stages run one after another.
    pub stages: Vec<Stage>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage {
    pub name: &'static str,
    pub scratch: u64,
}

/// Reads the headers of a model; no weights. `Err(UnsupportedArchitecture)` names what is supported; other errors say which
/// setting is missing or wrong.
pub fn describe(files: &ModelFiles) -> Result<Architecture> {
    if let Some(spec) = encoder_of(files)? {
        return Ok(Architecture::Encoder(Box::new(spec)));
    }
    Ok(Architecture::Decoder(Box::new(DecoderModel {
        spec: spec_of(files)?,
        pooling: pooling_of(files)?,
    })))
}

impl Architecture {
    fn description(&self) -> &dyn Description {
        match self {
            Self::Decoder(model) => &**model,
            Self::Encoder(spec) => &**spec,
        }
    }
}

impl Description for Architecture {
    fn outline(&self) -> Outline {
        self.description().outline()
    }

    fn needs(&self, files: &ModelFiles, served: Served) -> Needs {
        self.description().needs(files, served)
    }
}

impl Description for DecoderModel {
    fn outline(&self) -> Outline {
        let spec = &self.spec;
        Outline {
            architecture: spec.architecture,
            hidden: spec.hidden,
            vocab: spec.vocab,
            context_length: spec.context_length,
            layers: spec.layers.len(),
            output: match self.pooling {
                Some(_) => Output::Embedding,
                None => Output::Text,
            },
        }
    }

    fn needs(&self, files: &ModelFiles, served: Served) -> Needs {
        Needs {
            weights: weight_bytes_estimate(files, &self.spec),
            per_token: kv_bytes_per_token(&self.spec) as u64,
            per_sequence: state_bytes_per_sequence(&self.spec) as u64,
            stages: vec![Stage {
                name: "generate",
                scratch: scratch_bytes(&self.spec, served.step_tokens),
            }],
        }
    }
}

impl Description for EncoderSpec {
    fn outline(&self) -> Outline {
        Outline {
            architecture: self.architecture,
            hidden: self.hidden,
            vocab: self.vocab,
            context_length: self.context_length,
            layers: self.layers.len(),
            output: match self.output {
                EncoderOutput::Vector(_) => Output::Embedding,
                EncoderOutput::Labels { labels, .. } => Output::Labels(labels),
            },
        }
    }

    /// Nothing is kept between steps, so the context costs activations only.
    fn needs(&self, files: &ModelFiles, served: Served) -> Needs {
        let encoder = self.clone().with_served_context(served.context);
        Needs {
            weights: self.weight_bytes(files),
            per_token: 0,
            per_sequence: 0,
            stages: vec![Stage {
                name: "encode",
                scratch: encoder.scratch_bytes(),
            }],
        }
    }
}
