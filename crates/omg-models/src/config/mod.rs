//! Headers of models, GGUF metadata or `config.json`, and how they become specs by the columns of a family's row.

mod attention;
mod base;
mod counts;
mod decoder;
mod encoder;
mod experts;
mod family;
mod feed_forward;
mod header;
pub(crate) mod keys;
mod layers;
mod pooling;
mod recurrent;
mod rope;
mod routing;
mod windows;

pub(crate) use base::BASE;
pub(crate) use decoder::decoder_spec;
pub(crate) use encoder::{EncoderFamily, POST_NORM, encoder_spec};
pub(crate) use family::{Bias, Family, LayerReader, RopeLayers};
pub(crate) use header::Header;
pub(crate) use layers::{layer_with, plain_layer};
pub use pooling::pooling_of;
pub(crate) use recurrent::{delta_net, is_recurrent, mamba2, short_conv};
pub(crate) use rope::table_number;
pub(crate) use routing::Routing;
pub(crate) use windows::Windows;
