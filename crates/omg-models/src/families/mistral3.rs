//! Mistral Small 3.x and Ministral 3, also inside the multimodal checkpoints: Mistral with YaRN, and queries that grow with
//! their position.

use omg_kernels::Pairing;

use crate::config::{BASE, Family, Header, keys, table_number};
use crate::error::Result;
use crate::spec::{ModelSpec, Temperature};

pub(crate) const FAMILY: Family = Family {
    name: "mistral3",
    gguf: &["mistral3"],
    architectures: &["Mistral3ForConditionalGeneration", "Ministral3ForCausalLM"],
    gguf_pairing: Pairing::Interleaved,
    defaults: &[
        (keys::RMS_EPS, 1e-5),
        (keys::CONTEXT, 131_072.0),
        (keys::HEADS, 32.0),
        (keys::KV_HEADS, 8.0),
        (keys::KEY_DIM, 128.0),
        (keys::VALUE_DIM, 128.0),
    ],
    adjust: temperature,
    ..BASE
};

fn temperature(header: &Header<'_>, spec: &mut ModelSpec) -> Result<()> {
    let (scale, length) = match header.is_gguf() {
        true => {
            let own = header.number(keys::TEMPERATURE_LENGTH)?;
            let original = header.number(keys::ROPE_ORIGINAL)?;
            (header.number(keys::TEMPERATURE)?, own.or(original))
        }
        false => (
            table_number(header, "llama_4_scaling_beta")?,
            table_number(header, "original_max_position_embeddings")?,
        ),
    };
    let Some(scale) = scale.filter(|scale| *scale != 0.0) else {
        return Ok(());
    };
    let length = length.filter(|length| *length >= 1.0);
    let length = length.ok_or_else(|| header.wrong(keys::ROPE_ORIGINAL, "is missing"))?;
    for (_, attention) in spec.attention_mut() {
        attention.temperature = Some(Temperature {
            scale: scale as f32,
            length: length as usize,
            offset: 0,
        });
    }
    Ok(())
}
