//! Text from values by Python's three ways: format specifications, `str.format` and `%`.

mod fields;
mod percent;
mod spec;

pub(crate) use fields::{format, format_map};
pub(crate) use percent::percent;

/// Python's own limit is a matter of memory; nothing of a prompt is wider.
const WIDEST: usize = 1 << 20;
