//! Granite 3 and 4 dense, and MiniCPM: Llama with factors of embeddings, branches and logits.

use omg_kernels::Pairing;

use crate::config::{BASE, Family, Header, keys};
use crate::error::Result;
use crate::spec::ModelSpec;

pub(crate) const GRANITE: Family = Family {
    name: "granite",
    gguf: &["granite"],
    architectures: &["GraniteForCausalLM"],
    gguf_pairing: Pairing::Interleaved,
    defaults: &[(keys::RMS_EPS, 1e-6), (keys::CONTEXT, 2048.0)],
    adjust: |header, spec| {
        let divisor = header.float(keys::LOGIT_DIVISOR)?.unwrap_or(1.0);
        let branch = header.float(keys::RESIDUAL_SCALE)?.unwrap_or(1.0);
        scale(header, spec, 1.0, branch, divisor.recip())
    },
    ..BASE
};

pub(crate) const MINICPM: Family = Family {
    name: "minicpm",
    gguf: &["minicpm"],
    architectures: &["MiniCPMForCausalLM"],
    gguf_pairing: Pairing::Interleaved,
    defaults: &[(keys::RMS_EPS, 1e-5), (keys::CONTEXT, 2048.0)],
    adjust: |header, spec| {
        // Old GGUF files hold none of them; these are those of the first models.
        let depth = header.float(keys::DEPTH_SCALE)?.unwrap_or(1.4);
        let branch = header.float(keys::RESIDUAL_SCALE)?;
        let branch = branch.unwrap_or(depth / (spec.layers.len() as f32).sqrt());
        let base = header.float(keys::BASE_WIDTH)?.unwrap_or(256.0);
        let divisor = header.float(keys::LOGIT_DIVISOR)?;
        let divisor = divisor.unwrap_or(spec.hidden as f32 / base);
        scale(header, spec, 12.0, branch, divisor.recip())
    },
    ..BASE
};

/// `embedding`: where the header has none.
fn scale(
    header: &Header<'_>,
    spec: &mut ModelSpec,
    embedding: f32,
    branch: f32,
    logits: f32,
) -> Result<()> {
    spec.embedding_scale = header.float(keys::EMBEDDING_SCALE)?.unwrap_or(embedding);
    spec.head.scale = logits;
    for layer in &mut spec.layers {
        layer.residual_scale = branch;
    }
    Ok(())
}
