//! Mixers that keep a state per sequence.

mod delta_net;
mod mamba2;
mod short_conv;

pub(crate) use delta_net::DeltaNet;
pub(crate) use mamba2::Mamba2;
pub(crate) use short_conv::ShortConv;
