//! Mixers that keep a state per sequence and nothing per token. Every state is advanced token by token, so a result does
//! not depend on how a prompt is cut into steps; what a chunked form would gain, cutting the state into pieces that stay
//! in the first-level cache gains as well.

mod conv;
mod gates;
mod recurrence;
mod states;

pub use conv::{ConvWeights, convolve};
pub use gates::{StepGates, rms_norm_groups, unit_heads};
pub use recurrence::{Recurrence, RecurrenceShape, recur};
pub use states::States;
