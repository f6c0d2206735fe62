/// What stands between the two texts of a pair and after them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PairFrame {
    pub(super) between: Vec<u32>,
    pub(super) after: Vec<u32>,
}

/// The tokens of two texts that a cross-encoder reads together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub tokens: Vec<u32>,
    /// Where the second text begins.
    pub second: usize,
    /// Tokens of the whole pair, those that were cut off included.
    pub whole: usize,
}
