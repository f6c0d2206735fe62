//! The parts of a model, each once, over any backend.

mod attention;
mod experts;
mod feed_forward;
mod gated;
mod head;
mod layer;
mod mixer;
mod norm;
mod per_layer;
mod pooling;
mod recurrent;
mod rope;
mod router;
mod scratch;
mod step;

pub(crate) use attention::Attention;
pub(crate) use experts::ExpertsBlock;
pub(crate) use feed_forward::FeedForwardBlock;
pub(crate) use gated::{GATED, Gated, SHARED};
pub(crate) use head::Head;
pub(crate) use layer::{Following, Layer, read};
pub(crate) use mixer::{LayerCache, MixerBlock, Room};
pub(crate) use norm::load_norm;
pub(crate) use per_layer::{PerLayerHalf, PerLayerInputs};
pub(crate) use pooling::PoolingHead;
pub(crate) use recurrent::{DeltaNet, Mamba2, ShortConv};
pub(crate) use rope::Ropes;
pub(crate) use router::route;
pub(crate) use scratch::Scratch;
pub(crate) use step::Step;
