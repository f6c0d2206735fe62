//! Headers of models, GGUF metadata or `config.json`, and how they become specs by the columns of a family's row.

mod decoder;
mod encoder;
mod header;
pub(crate) mod keys;
mod layers;
mod pooling;
mod rope;
mod windows;

pub(crate) use decoder::{BASE, Bias, Family, decoder_spec};
pub(crate) use encoder::{EncoderFamily, POST_NORM, encoder_spec};
pub(crate) use header::Header;
pub use pooling::pooling_of;
pub(crate) use windows::Windows;
