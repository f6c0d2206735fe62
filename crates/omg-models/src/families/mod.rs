//! Model families as data: the rows of the tables in which a checkpoint's family is looked up.
//! A family is a `const`; what its columns cannot say is a short `adjust` function.

mod bert;
mod cohere;
mod ernie4_5;
mod exaone4;
mod gemma;
mod gemma4;
mod glm4;
mod glm4_moe;
mod gpt2;
mod gpt_oss;
mod granite;
mod hunyuan;
mod lfm2;
mod llama;
mod mamba2;
mod mistral;
mod mistral3;
mod nomic_bert;
mod olmo;
mod olmo2;
mod phi;
mod phi3;
mod qwen2;
mod qwen3;
mod qwen35;
mod qwen_moe;
mod roberta;
mod seed_oss;
mod smollm3;
mod starcoder2;

use omg_format::ModelFiles;

use crate::config::{EncoderFamily, Family, Header, decoder_spec, encoder_spec};
use crate::error::{Error, Result};
use crate::spec::{EncoderSpec, ModelSpec};

/// In the order in which they are tried and listed.
const DECODERS: &[&Family] = &[
    &llama::FAMILY,
    &llama::MIXTRAL,
    &mistral::FAMILY,
    &mistral3::FAMILY,
    &qwen2::FAMILY,
    &qwen3::FAMILY,
    &qwen35::FAMILY,
    &qwen35::WITH_EXPERTS,
    &lfm2::FAMILY,
    &lfm2::WITH_EXPERTS,
    &mamba2::FAMILY,
    &gemma::GEMMA1,
    &gemma::GEMMA2,
    &gemma::GEMMA3,
    &gemma4::FAMILY,
    &phi::FAMILY,
    &qwen_moe::QWEN2_MOE,
    &qwen_moe::QWEN3_MOE,
    &olmo::OLMOE,
    &gpt_oss::FAMILY,
    &gpt_oss::OLLAMA,
    &glm4_moe::FAMILY,
    &phi3::FAMILY,
    &smollm3::FAMILY,
    &granite::GRANITE,
    &granite::HYBRID,
    &granite::MINICPM,
    &glm4::FAMILY,
    &olmo2::OLMO2,
    &olmo2::OLMO3,
    &cohere::COHERE,
    &cohere::COHERE2,
    &exaone4::FAMILY,
    &ernie4_5::FAMILY,
    &hunyuan::FAMILY,
    &seed_oss::FAMILY,
    &starcoder2::FAMILY,
    &gpt2::FAMILY,
];

const ENCODERS: &[&EncoderFamily] = &[&bert::FAMILY, &roberta::FAMILY, &nomic_bert::FAMILY];

/// Reads a model's header. `Err(UnsupportedArchitecture)` names what is supported; other errors say which setting is
/// missing or wrong. Reads no weights.
pub fn spec_of(files: &ModelFiles) -> Result<ModelSpec> {
    let header = Header::new(files)?;
    let name = header.architecture()?;
    let known = |family: &&&Family| header.is_of(&name, family.gguf, family.architectures);
    match DECODERS.iter().find(known) {
        Some(family) => decoder_spec(&header.with_defaults(family.defaults), family),
        None => Err(Error::UnsupportedArchitecture {
            name: name.chars().take(80).collect(),
            supported: supported(),
        }),
    }
}

/// The names of all families, for messages.
pub fn supported() -> String {
    DECODERS
        .iter()
        .map(|family| family.name)
        .chain(ENCODERS.iter().map(|family| family.name))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Reads the header of an encoder; `Ok(None)` for models of another kind. Reads no weights.
pub fn encoder_of(files: &ModelFiles) -> Result<Option<EncoderSpec>> {
    let header = Header::new(files)?;
    let name = header.architecture()?;
    let known = |family: &&&EncoderFamily| header.is_of(&name, family.gguf, family.architectures);
    match ENCODERS.iter().find(known) {
        Some(family) => {
            encoder_spec(&header.with_defaults(family.defaults), family, &name).map(Some)
        }
        None => Ok(None),
    }
}
