//! Values that minijinja lacks: methods as values, macros, ranges, views, iterators that are used up.

mod dict;
mod iteration;
mod macros;
mod toys;

pub(crate) use dict::{BoundMethod, View, ViewOf, dict_of};
pub(crate) use iteration::{Generator, Group, Range};
pub(crate) use macros::{Macro, Missing};
pub(crate) use toys::{Cycler, Joiner};
