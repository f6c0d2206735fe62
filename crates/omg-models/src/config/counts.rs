//! What decoders and encoders read alike.

use omg_kernels::Activation;

use super::header::{Header, Setting};
use super::keys;
use crate::error::{Error, Result};
use crate::weights::{Role, TensorNames};

/// The layers that run: files may end in blocks that only predict further tokens ahead.
pub(crate) fn layer_count(header: &Header<'_>) -> Result<usize> {
    let stored = header.required_count(keys::LAYERS)?;
    let extra = header.count(keys::EXTRA_PREDICTION_LAYERS)?.unwrap_or(0);
    // Each layer has tensors of its own, so more layers than tensors is a lie that must not size anything.
    if extra >= stored || stored > header.files().tensors().len() {
        return Err(header.wrong(keys::LAYERS, "does not agree with the tensors of the file"));
    }
    Ok(stored - extra)
}

/// The tensor list knows: tokenizers may have fewer tokens, and configs may say either.
pub(crate) fn vocab(header: &Header<'_>, names: &TensorNames) -> Result<usize> {
    let name = names.weight(Role::Embedding, 0);
    match header.files().tensor(&name) {
        Some(tensor) if tensor.shape.len() == 2 && tensor.shape[0] > 0 => Ok(tensor.shape[0]),
        Some(tensor) => Err(Error::TensorShape {
            name,
            expected: vec![0, 0],
            found: tensor.shape.clone(),
        }),
        None => Err(Error::MissingTensor { name }),
    }
}

pub(crate) fn activation(header: &Header<'_>, default: Activation) -> Result<Activation> {
    match header.get(keys::ACTIVATION) {
        None => Ok(default),
        Some(Setting::Text(name)) => match name.as_str() {
            "silu" | "swish" => Ok(Activation::Silu),
            "gelu_pytorch_tanh" | "gelu_new" | "gelu_fast" => Ok(Activation::GeluTanh),
            "gelu" => Ok(Activation::GeluErf),
            other => Err(Error::Unsupported {
                what: format!("the activation `{other}`"),
            }),
        },
        Some(_) => Err(header.wrong(keys::ACTIVATION, "is not a text")),
    }
}
