//! Model families as data: which checkpoints belong to one, and how their headers become a `ModelSpec`.
//! A family is a `const`; what its columns cannot say is a short `adjust` function.

mod bert;
mod encoder;
mod gemma2;
mod gemma3;
mod header;
mod keys;
mod llama;
mod mistral;
mod nomic_bert;
mod phi3;
mod pooling;
mod qwen2;
mod qwen3;
mod roberta;
mod rope;
mod standard;
mod windows;

use omg_format::ModelFiles;
use omg_kernels::{Activation, Pairing};

use crate::error::{Error, Result};
use crate::spec::{ModelSpec, NormKind, QkNormScope};
use crate::weights::Name;
use header::{Header, Key};
use windows::Windows;

pub use encoder::encoder_of;
pub use pooling::pooling_of;

/// In the order in which they are tried and listed.
const FAMILIES: &[&Family] = &[
    &llama::FAMILY,
    &mistral::FAMILY,
    &qwen2::FAMILY,
    &qwen3::FAMILY,
    &gemma2::FAMILY,
    &gemma3::FAMILY,
    &phi3::FAMILY,
];

/// One row of the table of families.
pub(crate) struct Family {
    pub(crate) name: &'static str,
    /// `general.architecture` of its GGUF files.
    pub(crate) gguf: &'static [&'static str],
    /// `architectures` of its `config.json`.
    pub(crate) architectures: &'static [&'static str],
    pub(crate) block: Block,
    pub(crate) norm: NormKind,
    /// Safetensors store norm weights minus one.
    pub(crate) norm_plus_one: bool,
    pub(crate) activation: Activation,
    pub(crate) qkv_bias: Bias,
    pub(crate) qk_norm: Option<QkNormScope>,
    /// Pairs of the rope in GGUF files: interleaved where the converter permutes query and key rows.
    pub(crate) gguf_pairing: Pairing,
    pub(crate) config_pairing: Pairing,
    pub(crate) windows: Windows,
    /// What headers may leave out.
    pub(crate) defaults: &'static [(Key, f64)],
    /// Tensor names that differ from the standard ones.
    pub(crate) names: &'static [Name],
    pub(crate) adjust: fn(&Header<'_>, &mut ModelSpec) -> Result<()>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Block {
    /// Norms before the two halves.
    Pre,
    /// Norms before and after both halves.
    Sandwich,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bias {
    /// Added where the file has one.
    Stored,
    Required,
}

/// The plain Llama block that families are compared with.
const BASE: Family = Family {
    name: "",
    gguf: &[],
    architectures: &[],
    block: Block::Pre,
    norm: NormKind::Rms,
    norm_plus_one: false,
    activation: Activation::Silu,
    qkv_bias: Bias::Stored,
    qk_norm: None,
    gguf_pairing: Pairing::HalfSplit,
    config_pairing: Pairing::HalfSplit,
    windows: Windows::Never,
    defaults: &[],
    names: &[],
    adjust: |_, _| Ok(()),
};

/// Reads a model's header. `Err(UnsupportedArchitecture)` names what is supported; other errors say which setting is
/// missing or wrong. Reads no weights.
pub fn spec_of(files: &ModelFiles) -> Result<ModelSpec> {
    let header = Header::new(files)?;
    let name = header.architecture()?;
    let known = |family: &&&Family| header.is_of(&name, family.gguf, family.architectures);
    match FAMILIES.iter().find(known) {
        Some(family) => standard::spec(&header.with_defaults(family.defaults), family),
        None => Err(Error::UnsupportedArchitecture {
            name: name.chars().take(80).collect(),
            supported: supported(),
        }),
    }
}

/// The names of all families, for messages.
pub fn supported() -> String {
    FAMILIES
        .iter()
        .map(|family| family.name)
        .chain(encoder::FAMILIES.iter().map(|family| family.name))
        .collect::<Vec<_>>()
        .join(", ")
}
